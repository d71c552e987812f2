// Which connections are open, and which of them goes first where there is no room for one more.
#ifndef TAMARACK_SERVICES_GATEWAY_OPEN_CONNECTIONS_H_
#define TAMARACK_SERVICES_GATEWAY_OPEN_CONNECTIONS_H_

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tam::gateway {

class HttpConnection;

// Holds pointers and follows none. One thread at a time.
class OpenConnections {
 public:
  void Add(HttpConnection* connection, const std::string& source, bool waits);
  // Unknown ones are ignored.
  void Remove(HttpConnection* connection);
  // From now on it waits for its peer, to send or to finish a request; or does so no longer,
  // because a reply is under way.
  void SetWaits(HttpConnection* connection, bool waits);

  // Of the sources of which some connection waits, that which has the most open: of its connections
  // that which waits longest, which is taken not to wait any more. Null: none waits.
  HttpConnection* TakeLongestWaiting();

  size_t size() const { return all_.size(); }
  std::vector<HttpConnection*> All() const;

 private:
  using List = std::list<HttpConnection*>;
  struct Source {
    List waiting;  // since when: the longest first
    List busy;
    size_t size() const { return waiting.size() + busy.size(); }
  };
  struct Place {
    std::pair<const std::string, Source>* source = nullptr;  // null: Add ran out of memory
    List::iterator at;
    bool waits = false;
  };
  static void Move(Place& place, bool waits);

  std::unordered_map<std::string, Source> sources_;  // none without a connection
  std::unordered_map<HttpConnection*, Place> all_;
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_OPEN_CONNECTIONS_H_
