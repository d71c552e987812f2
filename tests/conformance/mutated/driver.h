// Runs sessions of which one message is wrong, against a TAM of two tenants.
#ifndef TAMARACK_TESTS_CONFORMANCE_MUTATED_DRIVER_H_
#define TAMARACK_TESTS_CONFORMANCE_MUTATED_DRIVER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "teep/message/message.h"
#include "tests/conformance/mutated/draft.h"
#include "tests/conformance/mutated/mutator.h"
#include "tests/conformance/mutated/two_tenants.h"
#include "tools/teepsim/transport.h"

namespace tam::conformance {

// What came of all sessions. A value.
struct Tally {
  int64_t sessions = 0;
  int64_t good_responses = 0;  // unmutated QueryResponses
  int64_t good_answered = 0;   // of these, those that an Update with a manifest answered
  // "field: drop", "bit flip" of a QueryResponse or a report, and what came back -> how often.
  std::map<std::pair<std::string, std::string>, int64_t> outcomes;
  std::set<std::string> tokens;     // of every Update that was seen
  std::vector<std::string> faults;  // what must not happen whatever is sent
  void Add(const Tally& other);
};
// A table of the outcomes.
std::ostream& operator<<(std::ostream& out, const Tally& tally);

// The last things of other sessions. Thread safe.
template <typename T>
class Pool {
 public:
  void Put(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    if (values_.size() > kKept) values_.pop_front();
  }
  // `otherwise` where it is empty.
  T Any(Random& random, T otherwise) {
    const std::lock_guard lock(mutex_);
    return values_.empty() ? otherwise : OneOf(random, values_);
  }

 private:
  static constexpr size_t kKept = 64;
  std::mutex mutex_;
  std::deque<T> values_;  // guarded by mutex_
};

// What sessions take from one another.
struct Loot {
  Pool<std::pair<const Member*, std::string>> tokens;  // of open Updates
  Pool<std::string> challenges;                        // of QueryRequests, tokens among them
  Pool<std::string> evidence;                          // with good signatures
  Pool<std::string> responses;                         // whole QueryResponses
};

// One connection, which it keeps. Not thread safe.
class Driver {
 public:
  // Borrows all.
  Driver(TwoTenants& tam, Loot& loot, uint64_t seed) : tam_(tam), loot_(loot), random_(seed) {}

  // One session of that device: its QueryResponse or its report is wrong, or both.
  void RunMutated(const Member& member);
  // The same with nothing wrong, attested. True when the TAM sent a manifest and took the report.
  bool RunGood(const Member& member);
  const Tally& tally() const { return tally_; }

 private:
  struct Outgoing {
    std::string bytes;
    std::string path;
  };
  struct Reply {
    unsigned status = 0;
    std::optional<teep::Message> message;
    // "silence", "update", "err-code 7", "query request", "status 503"
    std::string text;
  };

  Reply Post(const std::string& path, const std::string& body);
  std::optional<teep::QueryRequest> Connect(const std::string& path);
  // The Update in it, if it has a token and manifests.
  static const teep::Update* WorkIn(const Reply& reply);

  teep::QueryResponse GoodResponse(const Member& member, const teep::QueryRequest& request);
  teep::Success GoodSuccess(const teep::Update& update);
  Outgoing WrongResponse(const Member& member, const teep::QueryRequest& request,
                         const std::string& path, Mutation mutation, std::string& detail);
  void ChangeResponse(const Member& member, Mutation mutation, teep::QueryResponse& response);
  void SendWrongSuccess(const Member& member, const teep::Update& update, const std::string& path);
  Outgoing WrongSuccess(const Member& member, const teep::Update& update, const std::string& path,
                        Mutation mutation, std::string& detail);
  // Does to a draft what does not depend on its message, and signs it.
  Outgoing Finish(const Member& member, Draft draft, Mutation mutation, std::string& detail);
  void ChangeFields(Node& payload, std::string& detail);
  void ChangeKey(const Member& member, Mutation mutation, Draft& draft);
  std::string OtherPath(const std::string& path);
  const Member& OtherMember(const Member& member, bool same_tenant);
  std::string ForeignToken(const Member& member);
  void Count(const std::string& what, Mutation mutation, const std::string& detail,
             const Reply& reply);

  TwoTenants& tam_;
  Loot& loot_;
  Random random_;
  teepsim::HttpClient http_;
  Tally tally_;
};

}  // namespace tam::conformance

#endif  // TAMARACK_TESTS_CONFORMANCE_MUTATED_DRIVER_H_
