// Whether a message is one of the drafts before -26: for the people who look why it was refused.
#ifndef TAMARACK_TEEP_MESSAGE_OLDER_H_
#define TAMARACK_TEEP_MESSAGE_OLDER_H_

#include <optional>
#include <string>

#include "teep/message/message.h"

namespace tam::teep {

// "the numbering before -26 (Success 5, token 20)"; nullopt where nothing says so. Untrusted input;
// never fails. Decides nothing: a message that bears no sign of either reads as -26.
std::optional<std::string> DescribeOlder(Bytes payload);

}  // namespace tam::teep

#endif  // TAMARACK_TEEP_MESSAGE_OLDER_H_
