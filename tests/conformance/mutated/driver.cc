#include "tests/conformance/mutated/driver.h"

#include <iomanip>

#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "teep/suit/envelope.h"
#include "teep/suit/report.h"
#include "tests/conformance/mutated/must.h"
#include "tools/teepsim/evidence.h"

namespace tam::conformance {
namespace {

constexpr Mutation kOfResponses[] = {Mutation::kField,
                                     Mutation::kField,
                                     Mutation::kField,
                                     Mutation::kForeignToken,
                                     Mutation::kForeignChallenge,
                                     Mutation::kForeignEvidence,
                                     Mutation::kForeignReport,
                                     Mutation::kHeaderAlg,
                                     Mutation::kHeaderKid,
                                     Mutation::kHeaderCrit,
                                     Mutation::kBitFlip,
                                     Mutation::kOtherDevicesKey,
                                     Mutation::kOtherTenantsKey,
                                     Mutation::kRogueKey,
                                     Mutation::kReplay,
                                     Mutation::kMisdirected};
// A size and form that the front end may refuse by itself, and no failure.
bool IsAllowed(unsigned status) {
  return status == 200 || status == 204 || status == 400 || status == 413 || status == 503;
}

std::string ReportFor(const std::string& token, const suit::Digest& digest) {
  suit::Report report;
  report.manifest_digest = digest;
  report.nonce = token;
  return Must(suit::EncodeReport(report));
}

std::string TextOf(unsigned status, const std::optional<teep::Message>& message) {
  if (status == 204) return "silence";
  if (status != 200) return absl::StrCat("status ", status);
  if (!message.has_value()) return "unreadable";
  if (std::holds_alternative<teep::QueryRequest>(*message)) return "query request";
  const auto* update = std::get_if<teep::Update>(&*message);
  if (update == nullptr) return "wrong type";
  if (!update->err_code.has_value()) return "update";
  return absl::StrCat("err-code ", static_cast<uint64_t>(*update->err_code));
}

}  // namespace

void Tally::Add(const Tally& other) {
  sessions += other.sessions;
  good_responses += other.good_responses;
  good_answered += other.good_answered;
  for (const auto& [key, count] : other.outcomes) outcomes[key] += count;
  tokens.insert(other.tokens.begin(), other.tokens.end());
  faults.insert(faults.end(), other.faults.begin(), other.faults.end());
}

std::ostream& operator<<(std::ostream& out, const Tally& tally) {
  std::map<std::string, std::string> lines;
  int64_t wrong = 0;
  for (const auto& [key, count] : tally.outcomes) {
    absl::StrAppend(&lines[key.first], "  ", key.second, " ", count);
    wrong += count;
  }
  out << tally.sessions << " sessions, " << wrong << " wrong messages, " << tally.good_answered
      << " of " << tally.good_responses << " good QueryResponses got an Update\n";
  for (const auto& [what, counts] : lines) {
    out << "  " << std::left << std::setw(36) << what << counts << "\n";
  }
  return out;
}

Driver::Reply Driver::Post(const std::string& path, const std::string& body) {
  const teepsim::Url url = Must(teepsim::ParseUrl(tam_.stack().TamUrl(path)));
  const auto answer = http_.Post(url, body);
  Reply reply;
  if (!answer.ok()) {
    tally_.faults.push_back(absl::StrCat(path, ": ", answer.status().ToString()));
    reply.text = "no answer";
    return reply;
  }
  reply.status = answer->status;
  if (!answer->body.empty()) reply.message = MessageIn(answer->body);
  // An endpoint of the older numbering answers in it.
  const bool older = path.ends_with("older");
  reply.text = older && reply.status == 200 ? "older answer" : TextOf(reply.status, reply.message);
  if (!IsAllowed(reply.status) || reply.text == "unreadable" || reply.text == "wrong type") {
    tally_.faults.push_back(absl::StrCat(path, ": ", reply.text));
  }
  if (reply.message.has_value()) {
    const auto* update = std::get_if<teep::Update>(&*reply.message);
    if (update != nullptr && update->token.has_value()) tally_.tokens.insert(*update->token);
  }
  return reply;
}

std::optional<teep::QueryRequest> Driver::Connect(const std::string& path) {
  const Reply reply = Post(path, "");
  if (!reply.message.has_value() || !std::holds_alternative<teep::QueryRequest>(*reply.message)) {
    return std::nullopt;
  }
  const auto& request = std::get<teep::QueryRequest>(*reply.message);
  loot_.challenges.Put(request.challenge.value_or(request.token.value_or("")));
  return request;
}

const teep::Update* Driver::WorkIn(const Reply& reply) {
  if (!reply.message.has_value()) return nullptr;
  const auto* update = std::get_if<teep::Update>(&*reply.message);
  const bool work =
      update != nullptr && update->token.has_value() && !update->manifest_list.empty();
  return work ? update : nullptr;
}

teep::QueryResponse Driver::GoodResponse(const Member& member, const teep::QueryRequest& request) {
  teep::QueryResponse response;
  response.token = request.token;
  if ((request.data_item_requested & teep::kRequestAttestation) != 0) {
    response.attestation_payload_format = teepsim::EvidenceFormat();
    response.attestation_payload =
        Must(teepsim::MakeEvidence(*member.state, request.challenge.value_or(""), {}));
  }
  teep::SystemPropertyClaims firmware;
  firmware.component_id = {"firmware"};
  firmware.image_digest = {-16, std::string(32, 'f')};
  response.tc_list = {firmware};
  // Nobody has it, so nothing comes of it.
  response.requested_tc_list = {{{"another"}, 1, true}};
  return response;
}

teep::Success Driver::GoodSuccess(const teep::Update& update) {
  const auto envelope = suit::Envelope::Parse(cbor::AsBytes(update.manifest_list.front()));
  teep::Success success;
  success.token = update.token;
  success.msg = "done";
  success.suit_reports = {ReportFor(*update.token, Must(envelope).claimed_digest())};
  return success;
}

bool Driver::RunGood(const Member& member) {
  const std::string path = PathOf(member.tenant, "main");
  const auto request = Connect(path);
  if (!request.has_value()) return false;
  const keys::PrivateKey& key = member.state->agent_key();
  const Reply reply = Post(path, Assemble(NewDraft(GoodResponse(member, *request), key, path)));
  const teep::Update* update = WorkIn(reply);
  if (update == nullptr) return false;
  return Post(path, Assemble(NewDraft(GoodSuccess(*update), key, path))).status == 204;
}

void Driver::RunMutated(const Member& member) {
  ++tally_.sessions;
  const std::string path = PathOf(member.tenant, Below(random_, 4) == 0 ? "lax" : "main");
  const auto request = Connect(path);
  if (!request.has_value()) return;
  const bool early = Below(random_, 2) == 0;
  const Mutation mutation = early ? OneOf(random_, kOfResponses) : Mutation::kNone;
  std::string detail;
  const Outgoing out = WrongResponse(member, *request, path, mutation, detail);
  const Reply reply = Post(out.path, out.bytes);
  const teep::Update* update = WorkIn(reply);
  if (early) {
    Count("response", mutation, detail, reply);
    // The Update may be another device's.
    if (mutation == Mutation::kReplay || mutation == Mutation::kOtherDevicesKey) return;
  } else {
    ++tally_.good_responses;
    tally_.good_answered += update != nullptr ? 1 : 0;
    loot_.responses.Put(out.bytes);
  }
  if (update == nullptr) return;
  SendWrongSuccess(member, *update, path);
  loot_.tokens.Put({&member, *update->token});
}

void Driver::Count(const std::string& what, Mutation mutation, const std::string& detail,
                   const Reply& reply) {
  ++tally_.outcomes[{absl::StrCat(what, ", ", std::string(MutationName(mutation)),
                                  detail.empty() ? "" : ": ", detail),
                     reply.text}];
}

}  // namespace tam::conformance
