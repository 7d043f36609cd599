#include "cli/program.h"

int main(int argc, char** argv) {
  return vivace::run_program(argc, argv);
}
