// A TEEP Agent that a test drives message by message, with the keys of a teepsim device: for what a
// well-behaved device never sends.
#ifndef TAMARACK_TESTS_E2E_HAND_MADE_AGENT_H_
#define TAMARACK_TESTS_E2E_HAND_MADE_AGENT_H_

#include <memory>
#include <optional>
#include <string>

#include "teep/message/message.h"
#include "tests/e2e/stack.h"
#include "tools/teepsim/device_state.h"

namespace tam::testing {

struct Reply {
  unsigned status = 0;
  std::string body;
  // What the body says; its signature is not checked here. nullopt: empty or no TEEP message.
  std::optional<teep::Message> message;

  // The Update in it; a test failure and an empty one if there is none.
  teep::Update update() const;
};

class HandMadeAgent {
 public:
  // Opens the device's folder.
  HandMadeAgent(Stack& stack, const std::string& folder);
  ~HandMadeAgent();
  HandMadeAgent(const HandMadeAgent&) = delete;
  HandMadeAgent& operator=(const HandMadeAgent&) = delete;

  // To the gateways in turn.
  Reply Post(const std::string& path, const std::string& body);
  // Returns once the kernel has the whole request; the answer is read by nobody. The connection
  // ends with the agent or the next call.
  void SendAndLeave(const std::string& path, const std::string& body);
  // The challenge (or token) of a fresh QueryRequest.
  std::string Challenge(const std::string& path);
  // A QueryResponse with good Evidence for `challenge` and an empty tc-list, signed.
  std::string Response(const std::string& challenge);
  std::string Sign(const teep::Message& message) const;
  teep::QueryResponse UnsignedResponse(const std::string& challenge) const;
  const tam::teepsim::DeviceState& state() const { return *state_; }

 private:
  Stack& stack_;
  std::unique_ptr<tam::teepsim::DeviceState> state_;
  int left_ = -1;  // socket of SendAndLeave
};

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_E2E_HAND_MADE_AGENT_H_
