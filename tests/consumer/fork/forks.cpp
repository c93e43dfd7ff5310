// Objects made before a fork go on working in the child; ids that parent and child make differ.
#include <fpt_webhooks/fpt_webhooks.hpp>

#include <cstdio>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace fw = fpt_webhooks;

namespace {

std::string fresh_id(fw::RandomSource& random) {
    const auto id = fw::EventId::generate(*fw::system_clock(), random);
    return id ? id->to_string() : std::string{};
}

}  // namespace

int main() {
    const fw::Secret secret("whsec_consumer_test_secret_of_32_characters");
    const auto signer = fw::Signer::create(fw::Scheme::fpt, secret);
    const auto verifier = fw::Verifier::create({.scheme = fw::Scheme::fpt, .secrets = {secret}});
    const auto random = fw::system_random();
    if (!signer || !verifier || fresh_id(*random).empty()) return 1;

    int channel[2];
    if (pipe(channel) != 0) return 2;
    const pid_t child = fork();
    if (child == 0) {
        const auto body = fw::bytes_of("{}");
        const auto headers = signer->sign(body, fw::system_clock()->now());
        const bool works = headers.has_value() && verifier->verify(*headers, body).has_value();
        const std::string id = fresh_id(*random);
        const bool written = write(channel[1], id.data(), id.size()) == static_cast<ssize_t>(id.size());
        return works && written ? 0 : 3;
    }
    close(channel[1]);
    std::string childs_id(fw::EventId::text_length, '\0');
    const bool read_all = read(channel[0], childs_id.data(), childs_id.size()) == static_cast<ssize_t>(childs_id.size());
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 4;
    if (WEXITSTATUS(status) != 0) return WEXITSTATUS(status);

    // The first 48 bits of both are the time; a repeated random part would differ in nothing else.
    const bool differ = read_all && childs_id.substr(12) != fresh_id(*random).substr(12);
    std::printf("child %s\n", childs_id.c_str());
    return differ ? 0 : 5;
}
