// The table of addresses and URLs that the tests of every layer share: addresses.json.
#pragma once

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace pombo {

struct UrlForm {
  std::string url;
  std::string verdict;  // what follows "URL is not allowed: "; "syntax", "allowed"
  std::string why;
};

struct ProxyForm {
  std::string host;
  std::string verdict;  // as above, where proxies may be private
  std::string strict;   // and where they may not
  std::string why;
};

inline boost::json::value addressTable() {
  std::ifstream file(POMBO_SOURCE_DIR "/tests/support/addresses.json", std::ios::binary);
  if (!file) throw std::runtime_error("no addresses.json");
  return boost::json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
}

inline std::vector<UrlForm> urlForms() {
  std::vector<UrlForm> all;
  const auto table = addressTable();
  for (const auto& [verdict, forms] : table.at("urls").as_object())
    for (const auto& form : forms.as_array())
      all.push_back({std::string(form.at(0).as_string()), std::string(verdict),
                     std::string(form.at(1).as_string())});
  return all;
}

inline std::vector<ProxyForm> proxyForms() {
  std::vector<ProxyForm> all;
  const auto table = addressTable();
  for (const auto& form : table.at("proxyHosts").as_array()) {
    const auto text = [&](std::size_t at) { return std::string(form.at(at).as_string()); };
    all.push_back({text(0), text(1), text(2), text(3)});
  }
  return all;
}

}  // namespace pombo
