#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "tools/tamctl/command.h"

int main(int argc, char** argv) {
  tam::tamctl::Environment environment{std::cin, std::cout, std::cerr,
                                       [](const std::string& name) -> std::optional<std::string> {
                                         const char* value = std::getenv(name.c_str());
                                         if (value == nullptr || *value == '\0')
                                           return std::nullopt;
                                         return value;
                                       },
                                       tam::tamctl::ConnectGrpc};
  return tam::tamctl::Run(std::vector<std::string>(argv + 1, argv + argc), environment);
}
