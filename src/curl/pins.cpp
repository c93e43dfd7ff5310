#include "curl/pins.hpp"

#include <algorithm>
#include <utility>

namespace fpt_webhooks::inline v0_1::detail {
namespace {

// Beyond it a host that nobody dials now makes room: memory stays bounded however many endpoints there are.
constexpr std::size_t pins_max = 4096;

std::string line_of(const std::string& key, const Pins::Pin& pin) {
    std::string line = key;
    char separator = ':';
    for (const IpAddress& address : pin.addresses) {
        line += separator;
        if (!address.is_v4()) line += '[';
        line += address.to_string();
        if (!address.is_v4()) line += ']';
        separator = ',';
    }
    return line;
}

}  // namespace

void Pins::make_room(std::vector<std::string>& lines) {
    if (pins_.size() < pins_max) return;
    const auto unused =
        std::find_if(pins_.begin(), pins_.end(), [](const auto& entry) { return entry.second.users == 0; });
    if (unused == pins_.end()) return;  // all in use: bounded by the attempts in flight then
    lines.emplace_back("-").append(unused->first);
    pins_.erase(unused);
}

Pins::Pin& Pins::acquire(const Url& url, std::vector<IpAddress> addresses, std::vector<std::string>& lines) {
    const std::string key = url.host() + ":" + std::to_string(url.port());
    auto entry = pins_.find(key);
    if (entry == pins_.end()) {
        make_room(lines);
        entry = pins_.try_emplace(key).first;
    }
    Pin& pin = entry->second;
    if (pin.version == 0 || pin.addresses != addresses) {
        pin.addresses = std::move(addresses);
        ++pin.version;
    }
    if (pin.loaded != pin.version) lines.push_back(line_of(key, pin));
    ++pin.users;
    return pin;
}

void Pins::release(Pin& pin, std::uint64_t version, bool loaded) noexcept {
    --pin.users;
    if (loaded && version == pin.version) pin.loaded = version;
}

}  // namespace fpt_webhooks::inline v0_1::detail
