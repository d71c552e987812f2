#include "services/gateway/open_connections.h"

namespace tam::gateway {

void OpenConnections::Add(HttpConnection* connection, const std::string& source, bool waits) {
  List node{connection};
  const auto [place, added] = all_.try_emplace(connection);
  if (!added) return;
  const auto known = sources_.try_emplace(source).first;
  List& list = waits ? known->second.waiting : known->second.busy;
  place->second = {&*known, node.begin(), waits};
  list.splice(list.end(), node);
}

void OpenConnections::Remove(HttpConnection* connection) {
  const auto found = all_.find(connection);
  if (found == all_.end()) return;
  const Place place = found->second;
  all_.erase(found);
  if (place.source == nullptr) return;
  Source& source = place.source->second;
  (place.waits ? source.waiting : source.busy).erase(place.at);
  if (source.size() == 0) sources_.erase(place.source->first);
}

void OpenConnections::Move(Place& place, bool waits) {
  Source& source = place.source->second;
  List& from = place.waits ? source.waiting : source.busy;
  List& to = waits ? source.waiting : source.busy;
  to.splice(to.end(), from, place.at);
  place.waits = waits;
}

void OpenConnections::SetWaits(HttpConnection* connection, bool waits) {
  const auto found = all_.find(connection);
  if (found != all_.end() && found->second.source != nullptr) Move(found->second, waits);
}

HttpConnection* OpenConnections::TakeLongestWaiting() {
  const Source* most = nullptr;
  for (const auto& [name, source] : sources_) {
    if (source.waiting.empty()) continue;
    if (most == nullptr || source.size() > most->size()) most = &source;
  }
  if (most == nullptr) return nullptr;
  HttpConnection* const longest = most->waiting.front();
  Move(all_.at(longest), /*waits=*/false);
  return longest;
}

std::vector<HttpConnection*> OpenConnections::All() const {
  std::vector<HttpConnection*> all;
  all.reserve(all_.size());
  for (const auto& [connection, place] : all_) all.push_back(connection);
  return all;
}

}  // namespace tam::gateway
