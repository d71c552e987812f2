// Leaks of the distribution's libraries, told to LeakSanitizer by every binary itself (a file
// named in LSAN_OPTIONS would have to stand in each test's folder). None of our own belongs here.

extern "C" const char* __lsan_default_suppressions();

extern "C" const char* __lsan_default_suppressions() {
  // c-ares, within gRPC's DNS resolver: 30 bytes once a process.
  // libpqxx 6.4.5: the result at hand when it throws because the connection was lost.
  return "leak:libcares\n"
         "leak:pqxx::connection_base::exec_params\n";
}
