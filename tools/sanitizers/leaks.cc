// Leaks of the distribution's libraries, told to LeakSanitizer by every binary itself (a file
// named in LSAN_OPTIONS would have to stand in each test's folder). None of our own belongs here.

extern "C" const char* __lsan_default_suppressions();

extern "C" const char* __lsan_default_suppressions() {
  // c-ares, within gRPC's DNS resolver: 30 bytes once a process.
  // libpqxx 6.4.5: the result at hand when it throws because the connection was lost.
  // OpenSSL, within gRPC's connections that a process ends with: now and then 904 bytes of one. Our
  // own code links BoringSSL, statically, so nothing of ours stands behind this name.
  return "leak:libcares\n"
         "leak:libcrypto.so\n"
         "leak:pqxx::connection_base::exec_params\n";
}
