#include "tools/teepsim/transcript.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "crypto/text/text.h"

namespace tam::teepsim {
namespace {

// Highest number that starts a file name in the folder; 0 when there is none.
int HighestNumber(const std::string& folder) {
  int highest = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    highest = std::max(highest, std::atoi(entry.path().filename().c_str()));
  }
  return highest;
}

}  // namespace

std::string ShortHex(std::string_view bytes) {
  return Concat(absl::BytesToHexString(AbslView(bytes.substr(0, 8))),
                bytes.size() > 8 ? "..." : "");
}

void Transcript::Sent(std::string_view what, std::string_view details) {
  if (out_ != nullptr) *out_ << "-> " << what << "  " << details << std::endl;
}

void Transcript::Received(std::string_view what, std::string_view details) {
  if (out_ != nullptr) *out_ << "<- " << what << "  " << details << std::endl;
}

void Transcript::Note(std::string_view line) {
  if (out_ != nullptr) *out_ << "     " << line << std::endl;
}

absl::Status Transcript::SaveSent(std::string_view type, std::string_view message) {
  return Save("sent", type, message);
}

absl::Status Transcript::SaveReceived(std::string_view type, std::string_view message) {
  return Save("received", type, message);
}

absl::Status Transcript::Save(std::string_view direction, std::string_view type,
                              std::string_view message) {
  if (folder_.empty()) return absl::OkStatus();
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (last_number_ < 0) last_number_ = HighestNumber(folder_);
  const std::string path = Concat(folder_, "/", absl::StrFormat("%02d", ++last_number_), "-",
                                  direction, "-", type, ".cbor");
  std::ofstream stream(path, std::ios::binary);
  stream.write(message.data(), static_cast<std::streamsize>(message.size()));
  stream.close();
  if (!stream) return absl::InternalError(Concat(path, ": cannot be written"));
  return absl::OkStatus();
}

}  // namespace tam::teepsim
