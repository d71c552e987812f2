#include "services/runtime/page_token.h"

#include <string>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace tam::runtime {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kBindingSize = 16;

const FieldDescriptor* StringField(const Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  const bool fits =
      field != nullptr && !field->is_repeated() && field->type() == FieldDescriptor::TYPE_STRING;
  return fits ? field : nullptr;
}

// What selects the list: the request without what moves through it.
std::string FilterOf(const Message& request) {
  std::unique_ptr<Message> filter(request.New());
  filter->CopyFrom(request);
  for (const char* name : {"page_size", "page_token"}) {
    const FieldDescriptor* field = filter->GetDescriptor()->FindFieldByName(name);
    if (field != nullptr) filter->GetReflection()->ClearField(filter.get(), field);
  }
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    filter->SerializeToCodedStream(&out);
  }
  return bytes;
}

std::string BindingOf(const CallContext& context, absl::string_view method, const Message& request,
                      const std::string& position) {
  cbor::Writer writer;
  writer.Array(5)
      .Text("tamarack page token")
      .Text(context.caller.spiffe_id())
      .Text(StdView(method))
      .ByteString(cbor::AsBytes(FilterOf(request)))
      .ByteString(cbor::AsBytes(position));
  return cbor::AsString(secret::Sha256(cbor::AsBytes(writer.bytes()))).substr(0, kBindingSize);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Message>> OpenPageToken(const CallContext& context,
                                                       absl::string_view method,
                                                       const Message& request) {
  const FieldDescriptor* field = StringField(request, "page_token");
  if (field == nullptr) return nullptr;
  const std::string token = request.GetReflection()->GetString(request, field);
  if (token.empty()) return nullptr;
  std::string bytes;
  const bool decoded = absl::WebSafeBase64Unescape(token, &bytes) && bytes.size() > kBindingSize;
  const std::string position = decoded ? bytes.substr(kBindingSize) : "";
  if (!decoded || bytes.substr(0, kBindingSize) != BindingOf(context, method, request, position)) {
    return absl::InvalidArgumentError(
        "page_token: want what this list gave to this caller, got another");
  }
  std::unique_ptr<Message> opened(request.New());
  opened->CopyFrom(request);
  opened->GetReflection()->SetString(opened.get(), field, position);
  return opened;
}

void SealPageToken(const CallContext& context, absl::string_view method, const Message& request,
                   Message& response) {
  const FieldDescriptor* field = StringField(response, "next_page_token");
  if (field == nullptr) return;
  const std::string position = response.GetReflection()->GetString(response, field);
  if (position.empty()) return;
  const std::string bytes = BindingOf(context, method, request, position) + position;
  response.GetReflection()->SetString(&response, field, absl::WebSafeBase64Escape(bytes));
}

}  // namespace tam::runtime
