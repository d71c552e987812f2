// Exports a symbol that BoringSSL has; see exported_symbols_test.sh.
extern "C" __attribute__((visibility("default"))) int EXPORTED() { return 1; }

int main() { return EXPORTED() - 1; }
