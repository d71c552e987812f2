// What Driver does to messages.
#include <utility>

#include "crypto/cbor/cbor.h"
#include "teep/suit/report.h"
#include "tests/conformance/mutated/driver.h"
#include "tests/conformance/mutated/must.h"
#include "tools/teepsim/evidence.h"

namespace tam::conformance {
namespace {

constexpr Mutation kOfReports[] = {
    Mutation::kField,           Mutation::kField,     Mutation::kForeignToken,
    Mutation::kForeignReport,   Mutation::kHeaderAlg, Mutation::kHeaderKid,
    Mutation::kHeaderCrit,      Mutation::kBitFlip,   Mutation::kOtherDevicesKey,
    Mutation::kOtherTenantsKey, Mutation::kRogueKey,  Mutation::kMisdirected};

const keys::PrivateKey& RogueKey() {
  static const auto& key = *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kP256));
  return key;
}

std::string RandomBytes(size_t size, Random& random) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

bool ChangesHeader(Mutation mutation) {
  return mutation == Mutation::kHeaderAlg || mutation == Mutation::kHeaderKid ||
         mutation == Mutation::kHeaderCrit;
}

}  // namespace

const Member& Driver::OtherMember(const Member& member, bool same_tenant) {
  const std::vector<Member>& all = tam_.members();
  while (true) {
    const Member& other = all[Below(random_, all.size())];
    if (&other != &member && (other.tenant == member.tenant) == same_tenant) return other;
  }
}

std::string Driver::OtherPath(const std::string& path) {
  std::string other = path;
  while (other == path) {
    other = PathOf(Below(random_, kTenants.size()), OneOf(random_, kEndpoints));
  }
  return other;
}

std::string Driver::ForeignToken(const Member& member) {
  const auto [whose, token] = loot_.tokens.Any(random_, {nullptr, ""});
  if (whose == nullptr || whose == &member || Below(random_, 4) == 0) {
    return RandomBytes(8 + Below(random_, 57), random_);
  }
  return token;
}

void Driver::ChangeFields(Node& payload, std::string& detail) {
  const size_t count = 1 + Below(random_, 3);
  for (size_t i = 0; i < count; ++i) {
    const FieldChange change = OneOf(random_, kFieldChanges);
    if (!ChangeField(payload, change, random_)) continue;
    // One word for the table, however many places are wrong.
    if (detail.empty()) detail = FieldChangeName(change);
  }
}

void Driver::ChangeKey(const Member& member, Mutation mutation, Draft& draft) {
  if (mutation == Mutation::kRogueKey) {
    draft.key = &RogueKey();
  } else {
    const bool same_tenant = mutation == Mutation::kOtherDevicesKey;
    draft.key = &OtherMember(member, same_tenant).state->agent_key();
  }
  // Under the right key's name, or under its own.
  if (Below(random_, 2) == 0) {
    draft.header.kid = cbor::AsString(draft.key->public_key().thumbprint());
  }
}

Driver::Outgoing Driver::Finish(const Member& member, Draft draft, Mutation mutation,
                                std::string& detail) {
  if (mutation == Mutation::kField) ChangeFields(draft.payload, detail);
  if (ChangesHeader(mutation)) ChangeHeader(draft, mutation, random_);
  if (mutation == Mutation::kOtherDevicesKey || mutation == Mutation::kOtherTenantsKey ||
      mutation == Mutation::kRogueKey) {
    ChangeKey(member, mutation, draft);
  }
  Outgoing out{Assemble(draft), draft.path};
  if (mutation == Mutation::kBitFlip) FlipBit(out.bytes, random_);
  if (mutation == Mutation::kMisdirected) out.path = OtherPath(out.path);
  if (mutation == Mutation::kReplay) {
    out = {loot_.responses.Any(random_, out.bytes),
           PathOf(Below(random_, kTenants.size()), OneOf(random_, kEndpoints))};
  }
  return out;
}

void Driver::ChangeResponse(const Member& member, Mutation mutation,
                            teep::QueryResponse& response) {
  const std::string other = loot_.challenges.Any(random_, RandomBytes(32, random_));
  switch (mutation) {
    case Mutation::kForeignToken:
      response.token = Below(random_, 2) == 0 ? ForeignToken(member) : other;
      return;
    case Mutation::kForeignChallenge:
      if (response.token.has_value()) response.token = other;
      if (response.attestation_payload.has_value()) {
        response.attestation_payload = Must(teepsim::MakeEvidence(*member.state, other, {}));
      }
      return;
    case Mutation::kForeignEvidence:
      response.attestation_payload = loot_.evidence.Any(random_, RandomBytes(100, random_));
      response.attestation_payload_format = teepsim::EvidenceFormat();
      return;
    case Mutation::kForeignReport: {
      suit::Report report;
      report.manifest_digest = {-16, RandomBytes(32, random_)};
      report.nonce = ForeignToken(member);
      response.suit_reports = {Must(suit::EncodeReport(report))};
      return;
    }
    default:
      return;
  }
}

Driver::Outgoing Driver::WrongResponse(const Member& member, const teep::QueryRequest& request,
                                       const std::string& path, Mutation mutation,
                                       std::string& detail) {
  teep::QueryResponse response = GoodResponse(member, request);
  if (response.attestation_payload.has_value()) {
    loot_.evidence.Put(*response.attestation_payload);
  }
  ChangeResponse(member, mutation, response);
  return Finish(member, NewDraft(response, member.state->agent_key(), path), mutation, detail);
}

Driver::Outgoing Driver::WrongSuccess(const Member& member, const teep::Update& update,
                                      const std::string& path, Mutation mutation,
                                      std::string& detail) {
  teep::Success success = GoodSuccess(update);
  if (mutation == Mutation::kForeignToken) success.token = ForeignToken(member);
  if (mutation == Mutation::kForeignReport) {
    // Where the message has a report, a wrong nonce in it is worth the whole message.
    teep::Update other = update;
    other.token = ForeignToken(member);
    success.suit_reports = GoodSuccess(other).suit_reports;
  }
  return Finish(member, NewDraft(success, member.state->agent_key(), path), mutation, detail);
}

// A mutation that leaves the device's true report is none: another is drawn.
void Driver::SendWrongSuccess(const Member& member, const teep::Update& update,
                              const std::string& path) {
  Mutation mutation = Mutation::kNone;
  std::string detail;
  Outgoing out;
  bool wrong = false;
  while (!wrong) {
    detail.clear();
    mutation = OneOf(random_, kOfReports);
    out = WrongSuccess(member, update, path, mutation, detail);
    wrong = mutation == Mutation::kForeignReport || out.path != path ||
            !IsReportOf(out.bytes, member.state->agent_key().public_key(), *update.token);
  }
  const Reply reply = Post(out.path, out.bytes);
  Count("report", mutation, detail, reply);
  if (WorkIn(reply) != nullptr) tally_.faults.push_back("a report was answered by an Update");
}

}  // namespace tam::conformance
