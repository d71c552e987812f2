// What the cryptography of a message costs: parsing, signing and verifying with each algorithm.
#include "benchmark/benchmark.h"

#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/key.h"

namespace tam {
namespace {

using keys::KeyType;

// About 1 KB in the shape of a QueryResponse: small integers, tokens, component ids, evidence.
std::string QueryResponse() {
  cbor::MapBuilder options;
  options.Set(20, cbor::Writer().ByteString(std::string(32, 't')));
  options.Set(7, cbor::Writer().ByteString(std::string(480, 'e')));
  cbor::Writer components;
  components.Array(8);
  for (int i = 0; i < 8; ++i) {
    cbor::MapBuilder component;
    component.Set(16, cbor::Writer().Array(2).ByteString("tamarack").ByteString("component"));
    component.Set(12, cbor::Writer().ByteString(std::string(32, 'd')));
    component.Set(17, cbor::Writer().Uint(static_cast<uint64_t>(i)));
    component.WriteTo(components);
  }
  options.Set(8, components);
  cbor::Writer writer;
  writer.Array(2).Uint(2);
  options.WriteTo(writer);
  return std::move(writer).Take();
}

void ParseCbor(benchmark::State& state) {
  const std::string bytes = QueryResponse();
  for (auto _ : state) {
    auto document = cbor::Document::Parse(cbor::AsBytes(bytes));
    benchmark::DoNotOptimize(document);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(ParseCbor);

void FindInCbor(benchmark::State& state) {
  const std::string bytes = QueryResponse();
  const auto document = cbor::Document::Parse(cbor::AsBytes(bytes));
  const cbor::Item options = document->root().at(1);
  for (auto _ : state) {
    for (int64_t key : {7, 8, 20, 21}) benchmark::DoNotOptimize(options.Find(key));
  }
}
BENCHMARK(FindInCbor);

void ParseCose(benchmark::State& state) {
  const auto key = keys::PrivateKey::Generate(KeyType::kEd25519);
  const auto bytes = cose::Sign1(*key, cbor::AsBytes(QueryResponse()));
  for (auto _ : state) {
    auto message = cose::Message::Parse(cbor::AsBytes(*bytes), cose::TagRule::kRequired);
    benchmark::DoNotOptimize(message);
  }
}
BENCHMARK(ParseCose);

void ReadCoseKey(benchmark::State& state, KeyType type) {
  const std::string bytes = keys::PrivateKey::Generate(type)->public_key().cose_key();
  for (auto _ : state) {
    auto key = keys::PublicKey::FromCoseKey(cbor::AsBytes(bytes));
    benchmark::DoNotOptimize(key);
  }
}
BENCHMARK_CAPTURE(ReadCoseKey, p256, KeyType::kP256);
BENCHMARK_CAPTURE(ReadCoseKey, ed25519, KeyType::kEd25519);

void Sign(benchmark::State& state, KeyType type) {
  const auto key = keys::PrivateKey::Generate(type);
  const std::string payload = QueryResponse();
  for (auto _ : state) {
    auto bytes = cose::Sign1(*key, cbor::AsBytes(payload));
    benchmark::DoNotOptimize(bytes);
  }
}
BENCHMARK_CAPTURE(Sign, p256, KeyType::kP256);
BENCHMARK_CAPTURE(Sign, ed25519, KeyType::kEd25519);

void Verify(benchmark::State& state, KeyType type) {
  const auto key = keys::PrivateKey::Generate(type);
  const auto bytes = cose::Sign1(*key, cbor::AsBytes(QueryResponse()));
  const auto message = cose::Message::Parse(cbor::AsBytes(*bytes), cose::TagRule::kRequired);
  for (auto _ : state) {
    auto payload = message->Verify(key->public_key(), cose::AlgorithmPolicy::Strict());
    if (!payload.ok()) state.SkipWithError("the signature does not verify");
  }
}
BENCHMARK_CAPTURE(Verify, p256, KeyType::kP256);
BENCHMARK_CAPTURE(Verify, ed25519, KeyType::kEd25519);

}  // namespace
}  // namespace tam
