// What a device says against itself in one message. Internal to services/gateway/offline.
#ifndef TAMARACK_SERVICES_GATEWAY_OFFLINE_CONTRADICTIONS_H_
#define TAMARACK_SERVICES_GATEWAY_OFFLINE_CONTRADICTIONS_H_

#include <string>

#include "teep/message/message.h"
#include "teep/suit/report.h"

namespace tam::gateway {

// The first contradiction between the fields of a QueryResponse (draft -26 section 4.3), in words;
// empty where there is none, and for every other message:
//   - tc-list has a component twice, with different images;
//   - tc-list and a readable SUIT report name different images of one component;
//   - requested-tc-list asks for a component that tc-list has, without a sequence number that the
//     installed one would be too old for.
// `keys` open the reports; one that stays closed says nothing.
std::string ContradictionIn(const teep::Message& message, const suit::ReportKeys& keys);

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_OFFLINE_CONTRADICTIONS_H_
