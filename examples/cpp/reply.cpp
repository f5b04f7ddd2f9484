// Answer each text, or each line of stdin: ./reply FOLDER [TEXT]...
#include <exception>
#include <iostream>
#include <string>

#include "duihua.hpp"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "Usage: reply FOLDER [TEXT]...\n";
    return 2;
  }
  try {
    duihua::Bot bot(argv[1]);
    const auto answer = [&bot](const std::string& text) {
      std::cout << bot.reply(text).replies.front().text << std::endl;
    };
    for (int i = 2; i < argc; ++i) answer(argv[i]);
    for (std::string line; argc == 2 && std::getline(std::cin, line);) answer(line);
  } catch (const std::exception& error) {
    std::cerr << "Error: " << error.what() << '\n';
    return 3;
  }
}
