#include "services/bin/tamd.h"

int main(int argc, char** argv) { return tam::bin::RunTamd(argc, argv); }
