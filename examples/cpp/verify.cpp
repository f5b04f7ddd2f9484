// Prove that this client gives what a bundle promises: ./verify FOLDER
#include <cmath>
#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "duihua.hpp"

using nlohmann::json;

namespace {

// How far a score may stand from its golden value: rounding differs between machines.
constexpr double kScoreTolerance = 0.01;

duihua::Decoding decoding_from(const json& values) {
  duihua::Decoding decoding;
  const auto& kind = values.at("kind").get_ref<const std::string&>();
  values.at("max_length").get_to(decoding.max_len);
  values.at("min_length").get_to(decoding.min_len);
  values.at("no_repeat_ngram").get_to(decoding.no_repeat_ngram);
  values.at("repetition_penalty").get_to(decoding.repetition_penalty);
  if (kind == "beam") {
    values.at("width").get_to(decoding.beam_size);
    values.at("length_penalty").get_to(decoding.length_penalty);
  } else if (kind == "sample") {
    values.at("samples").get_to(decoding.beam_size);
    values.at("temperature").get_to(decoding.temperature);
    values.at("top_k").get_to(decoding.top_k);
    values.at("top_p").get_to(decoding.top_p);
    values.at("seed").get_to(decoding.seed);
  } else if (kind != "greedy") {
    throw std::runtime_error("decoding '" + kind + "': known are greedy, beam, sample.");
  }
  return decoding;
}

bool equal(const duihua::Answer& found, const json& promised) {
  const auto& replies = promised.at("replies");
  if (found.source != promised.at("ids").get<std::vector<int64_t>>()) return false;
  if (found.replies.size() != replies.size()) return false;
  for (size_t k = 0; k < replies.size(); ++k) {
    const auto& [text, ids, score] = found.replies[k];
    const double off = std::abs(score - replies[k].at("score").get<double>());
    if (text != replies[k].at("text")) return false;
    if (ids != replies[k].at("ids").get<std::vector<int64_t>>()) return false;
    if (!(off <= kScoreTolerance)) return false;  // so for NaN, too
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "Usage: verify FOLDER\n";
    return 2;
  }
  try {
    const std::filesystem::path folder = argv[1];
    duihua::Bot bot(folder);
    std::ifstream file(folder / "golden.jsonl");
    int cases = 0, differences = 0;
    for (std::string line; std::getline(file, line);) {
      const auto promised = json::parse(line);
      const auto found = bot.reply(promised.at("text"), decoding_from(promised.at("decoding")));
      ++cases;
      if (equal(found, promised)) continue;
      ++differences;
      std::cerr << folder.string() << ": golden.jsonl, line " << cases << " differs\n";
    }
    std::cout << folder.string() << ": " << cases << " cases, " << differences << " differences\n";
    return cases > 0 && differences == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "Error: " << error.what() << '\n';
    return 3;
  }
}
