// Replays the files given as arguments through a fuzz target, without a fuzzer: first as they
// are, then cut short, with single bits flipped, and with bytes replaced, each at most
// kMutations times a file, so that the test's time is bounded and its inputs are always the same.
// Runs the empty input in any case. A target fails by ending the process; the input that did so
// is then named on stderr.

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kMutations = 256;
constexpr size_t kMutatedBytes = 64 * 1024;  // Larger files are only run as they are.

// What runs now, for the signal handler.
char now[512] = "";

void OnAbort(int signal_number) {
  const char kWhat[] = "\nthe fuzz target failed on ";
  (void)!write(STDERR_FILENO, kWhat, sizeof(kWhat) - 1);
  (void)!write(STDERR_FILENO, now, std::char_traits<char>::length(now));
  (void)!write(STDERR_FILENO, "\n", 1);
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

class Replay {
 public:
  size_t runs() const { return runs_; }

  void File(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
      std::fprintf(stderr, "cannot read %s\n", path.c_str());
      std::exit(1);
    }
    const std::vector<uint8_t> bytes(std::istreambuf_iterator<char>(in), {});
    Run(path, "as it is", 0, bytes);
    if (bytes.empty() || bytes.size() > kMutatedBytes) return;
    Truncate(path, bytes);
    FlipBits(path, bytes);
    ReplaceBytes(path, bytes);
  }

  // A copy of exactly the input's size, so that AddressSanitizer sees a read past its end.
  void Run(const std::string& path, const char* how, size_t at, const std::vector<uint8_t>& input) {
    std::snprintf(now, sizeof(now), "%.400s, %s %zu", path.c_str(), how, at);
    const std::vector<uint8_t> exact(input.begin(), input.end());
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
    ++runs_;
  }

 private:
  // Every position of a short input, evenly spread ones of a long one.
  static size_t Step(size_t positions) { return std::max<size_t>(1, positions / kMutations); }

  void Truncate(const std::string& path, const std::vector<uint8_t>& bytes) {
    for (size_t length = 0; length < bytes.size(); length += Step(bytes.size())) {
      Run(path, "cut to length", length, {bytes.begin(), bytes.begin() + length});
    }
  }

  void FlipBits(const std::string& path, std::vector<uint8_t> bytes) {
    const size_t bits = bytes.size() * 8;
    for (size_t bit = 0; bit < bits; bit += Step(bits)) {
      bytes[bit / 8] ^= uint8_t{1} << (bit % 8);
      Run(path, "with flipped bit", bit, bytes);
      bytes[bit / 8] ^= uint8_t{1} << (bit % 8);
    }
  }

  void ReplaceBytes(const std::string& path, std::vector<uint8_t> bytes) {
    constexpr uint8_t kValues[] = {0x00, 0xff, 0x7f, 0x80, 0x9f, 0xbf};
    size_t turn = 0;
    for (size_t at = 0; at < bytes.size(); at += Step(bytes.size())) {
      const uint8_t kept = bytes[at];
      bytes[at] = kValues[turn++ % std::size(kValues)];
      Run(path, "with replaced byte", at, bytes);
      bytes[at] = kept;
    }
  }

  size_t runs_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  for (int signal_number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) {
    std::signal(signal_number, OnAbort);
  }
  Replay replay;
  replay.Run("the empty input", "size", 0, {});
  for (int i = 1; i < argc; ++i) replay.File(argv[i]);
  std::printf("%zu runs of %d files\n", replay.runs(), argc - 1);
  return 0;
}
