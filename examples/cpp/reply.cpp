// Answer each text, or each line of stdin: ./reply FOLDER [TEXT]...
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "duihua.hpp"

#if __has_include(<nlohmann/json.hpp>)
#include <nlohmann/json.hpp>

namespace {

// What the bundle says instead of a reply that the model is not sure of.
duihua::Fallback fallback_of(const std::filesystem::path& folder) {
  std::ifstream file(folder / "manifest.json");
  const auto manifest = file ? nlohmann::json::parse(file) : nlohmann::json::object();
  const auto values = manifest.value("fallback", nlohmann::json());
  if (values.is_null()) return {};
  return {values.at("below"), values.at("replies")};
}

}  // namespace
#else  // nothing reads the manifest: the best reply is shown, sure or not
static duihua::Fallback fallback_of(const std::filesystem::path&) { return {}; }
#endif

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "Usage: reply FOLDER [TEXT]...\n";
    return 2;
  }
  try {
    duihua::Bot bot(argv[1]);
    const auto fallback = fallback_of(argv[1]);
    const auto answer = [&](const std::string& text) {
      std::cout << fallback.shown(text, bot.reply(text)) << std::endl;
    };
    for (int i = 2; i < argc; ++i) answer(argv[i]);
    for (std::string line; argc == 2 && std::getline(std::cin, line);) answer(line);
  } catch (const std::exception& error) {
    std::cerr << "Error: " << error.what() << '\n';
    return 3;
  }
}
