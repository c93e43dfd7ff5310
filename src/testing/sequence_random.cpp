#include <fpt_webhooks/testing/sequence_random.hpp>

#include <algorithm>

namespace fpt_webhooks::inline v0_1::testing {
namespace {

constexpr std::uint64_t step = 0x9e3779b97f4a7c15;

std::uint64_t mix(std::uint64_t z) noexcept {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

}  // namespace

SequenceRandom::~SequenceRandom() = default;

Result<void> SequenceRandom::fill(std::span<std::byte> out) {
    if (failing_) return Error(Errc::crypto_failed, "SequenceRandom was told to fail");
    while (!out.empty()) {
        std::uint64_t number = mix(state_.fetch_add(step) + step);
        const auto block = out.first(std::min(out.size(), sizeof number));
        for (std::byte& byte : block) {
            byte = static_cast<std::byte>(number & 0xff);
            number >>= 8;
        }
        out = out.subspan(block.size());
    }
    return {};
}

}  // namespace fpt_webhooks::inline v0_1::testing
