// What libcurl's address table holds for us: judged answers, by host and port (CURLOPT_RESOLVE).
//
// libcurl never resolves by itself here, so a host without a pin cannot be dialled. Loading one costs libcurl a parse
// and a table change per request; it is done only when the answer changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <fpt_webhooks/sender/ip_address.hpp>
#include <fpt_webhooks/sender/url.hpp>

namespace fpt_webhooks::inline v0_1::detail {

// Owned by one thread. Entries have stable addresses while they are in use.
class Pins {
  public:
    struct Pin {
        std::vector<IpAddress> addresses;
        std::uint64_t version = 0;  // of the addresses
        std::uint64_t loaded = 0;   // the version that libcurl is known to hold
        std::size_t users = 0;      // attempts that may still dial
    };

    // Holds `addresses` for the URL's host and port until release(). Fills `lines` with what libcurl must be told with
    // this request: nothing when it knows already.
    [[nodiscard]] Pin& acquire(const Url& url, std::vector<IpAddress> addresses, std::vector<std::string>& lines);

    // `version`: what the attempt was given; `loaded`: libcurl took its lines.
    static void release(Pin& pin, std::uint64_t version, bool loaded) noexcept;

  private:
    void make_room(std::vector<std::string>& lines);

    std::unordered_map<std::string, Pin> pins_;  // by "host:port"
};

}  // namespace fpt_webhooks::inline v0_1::detail
