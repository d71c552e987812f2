#include "crypto/text/text.h"
#include "teep/message/message.h"
#include "teep/message/older.h"
#include "teep/suit/report.h"
#include "tools/tamctl/inspect/inspector.h"

namespace tam::inspect {
namespace {

constexpr std::string_view kOlderNumbering =
    "the numbering of drafts before draft-ietf-teep-protocol-26 (there Success is 5, Error 6, the "
    "token 20, and labels 5 to 22 one higher), which --wire legacy reads; draft-26 has Success 4, "
    "Error 5, token 19";

}  // namespace

bool Inspector::RefuseOlderNumbering(const cbor::Item& item, const Site& site) {
  if (!teep::DescribeOlder(item.encoded()).has_value()) return false;
  Refuse(item, site.path, Concat("this has ", kOlderNumbering));
  return true;
}

void Inspector::CheckTeep(const cbor::Item& item, const Site& site) {
  if (site.outer) Note("a TEEP message is sent in COSE_Sign1 or COSE_Sign; this one is not signed");
  if (!legacy() && RefuseOlderNumbering(item, site)) return;
  const auto message = teep::Decode(item.encoded(), options_.wire);
  if (!message.ok()) return Refuse(message.status(), item.encoded(), site.path);
  CheckTeepParts(item, site);
}

void Inspector::CheckTeepParts(const cbor::Item& item, const Site& site) {
  const cbor::Item options = item.at(1);
  // Labels from 5 on stand one higher in the older drafts.
  const int64_t shift = legacy() ? 1 : 0;
  if (const auto payload = options.Find(6 + shift); payload.has_value()) {
    Leniently([&] {
      const auto content = ParseContent(*payload, file_.size());
      if (!content.ok()) return;
      const Kind kind = Detect(content->root());
      Check(kind, content->root(), {Concat(site.path, ".attestation-payload"), false});
    });
  }
  if (const auto manifests = options.Find(9 + shift); manifests.has_value()) {
    size_t i = 0;
    for (const cbor::Item envelope : manifests->each()) {
      const Site inner{Concat(site.path, ".manifest-list[", i++, "]"), false};
      const auto content = ParseContent(envelope, file_.size());
      if (content.ok()) {
        Check(Kind::kEnvelope, content->root(), inner);
      } else {
        Refuse(content.status(), *envelope.ByteString(), inner.path);
      }
    }
  }
  if (const auto reports = options.Find(18 + shift); reports.has_value()) {
    std::optional<cbor::Bytes> token;
    if (const auto value = options.Find(19 + shift); value.has_value())
      token = *value->ByteString();
    CheckReports(*reports, token, {Concat(site.path, ".suit-reports"), false});
  }
}

// T-29, T-44: a report that has a nonce has the token's.
void Inspector::CheckReports(const cbor::Item& reports, std::optional<cbor::Bytes> token,
                             const Site& site) {
  size_t i = 0;
  for (const cbor::Item entry : reports.each()) {
    const Site inner{Concat(site.path, "[", i++, "]"), false};
    const auto content = ParseContent(entry, file_.size());
    if (!content.ok()) {
      Refuse(content.status(), *entry.ByteString(), inner.path);
      continue;
    }
    const bool in_cose = Detect(content->root()) == Kind::kCose;
    Check(in_cose ? Kind::kCose : Kind::kReport, content->root(), inner);
    if (!token.has_value()) continue;
    const auto parts = FindCoseParts(content->root());
    if (in_cose && (!parts.has_value() || !parts->payload.has_value())) continue;
    const auto report =
        suit::ParseReport(in_cose ? *parts->payload->ByteString() : content->root().encoded());
    if (!report.ok()) continue;
    if (!report->nonce.has_value()) {
      Note(Concat(inner.path, ": no nonce, and the message has a token; a TAM drops it"));
    } else if (*report->nonce != cbor::AsView(*token)) {
      Refuse(entry, Concat(inner.path, ".nonce"), "want the token of the message");
    }
  }
}

}  // namespace tam::inspect
