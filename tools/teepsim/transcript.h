// What a session tells people, and what it keeps of the messages.
#ifndef TAMARACK_TOOLS_TEEPSIM_TRANSCRIPT_H_
#define TAMARACK_TOOLS_TEEPSIM_TRANSCRIPT_H_

#include <ostream>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace tam::teepsim {

// First 8 bytes in hex, "..." behind when there are more.
std::string ShortHex(std::string_view bytes);

class Transcript {
 public:
  // `out` null: quiet. `folder` empty: no message is saved. Borrows `out`.
  explicit Transcript(std::ostream* out, std::string folder = "")
      : out_(out), folder_(std::move(folder)) {}

  // "-> QueryResponse  details" and "<- Update  details".
  void Sent(std::string_view what, std::string_view details);
  void Received(std::string_view what, std::string_view details);
  // An indented line beneath.
  void Note(std::string_view line);

  // Writes "NN-sent-QueryResponse.cbor" into the folder, numbered on from what is there.
  absl::Status SaveSent(std::string_view type, std::string_view message);
  absl::Status SaveReceived(std::string_view type, std::string_view message);

 private:
  absl::Status Save(std::string_view direction, std::string_view type, std::string_view message);

  std::ostream* out_;
  std::string folder_;
  int last_number_ = -1;
};

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_TRANSCRIPT_H_
