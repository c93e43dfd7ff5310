#include <fpt_webhooks/core/random.hpp>

#include <openssl/rand.h>

namespace fpt_webhooks::inline v0_1 {
namespace {

class SystemRandom final : public RandomSource {
  public:
    Result<void> fill(std::span<std::byte> out) override {
        while (!out.empty()) {
            const auto part = out.first(std::min<std::size_t>(out.size(), 1 << 20));  // RAND_bytes takes an int
            if (RAND_bytes(reinterpret_cast<unsigned char*>(part.data()), static_cast<int>(part.size())) != 1) {
                return Error(Errc::crypto_failed, "no random bytes");
            }
            out = out.subspan(part.size());
        }
        return {};
    }
};

}  // namespace

RandomSource::~RandomSource() = default;

std::shared_ptr<RandomSource> system_random() { return std::make_shared<SystemRandom>(); }

Result<std::uint64_t> random_u64(RandomSource& random) {
    std::uint64_t number = 0;
    if (auto filled = random.fill(std::as_writable_bytes(std::span(&number, 1))); !filled) return filled.error();
    return number;
}

}  // namespace fpt_webhooks::inline v0_1
