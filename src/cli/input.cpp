#include "cli/input.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/core.h>
#include <openssl/crypto.h>

#include <fpt_webhooks/core/signer.hpp>

#include "cli/console.hpp"

namespace fpt_webhooks::cli {
namespace {

constexpr const Scheme* schemes[] = {&Scheme::fpt, &Scheme::ufp, &Scheme::standard_webhooks};

// A file that is open, or standard input.
class Input {
  public:
    explicit Input(const std::string& path)
        : path_(path), descriptor_(is_standard() ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (descriptor_ < 0) throw refused(std::generic_category().message(errno));
        if (is_standard() && isatty(descriptor_) == 1) write_error("reading standard input, up to Ctrl-D\n");
    }
    ~Input() {
        if (!is_standard()) close(descriptor_);
    }
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;

    // How many bytes; 0: there are no more.
    [[nodiscard]] std::size_t read(std::span<char> into) {
        for (;;) {
            const ssize_t count = ::read(descriptor_, into.data(), into.size());
            if (count >= 0) return static_cast<std::size_t>(count);
            if (errno != EINTR) throw refused(std::generic_category().message(errno));
        }
    }

    [[nodiscard]] Failure refused(const std::string& why, const char* hint = "") const {
        return {ExitStatus::input, fmt::format("{}: {}", name_of_input(path_), why), hint};
    }
    [[nodiscard]] Failure empty() const {
        return refused("empty", is_standard() ? "pipe something into it, or name a file" : "");
    }

  private:
    [[nodiscard]] bool is_standard() const noexcept { return path_ == "-"; }

    const std::string& path_;
    const int descriptor_;
};

template <std::size_t size>
struct Wiped {
    Wiped() = default;
    ~Wiped() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
    Wiped(const Wiped&) = delete;
    Wiped& operator=(const Wiped&) = delete;

    std::array<char, size> bytes = {};
};

}  // namespace

std::string name_of_input(const std::string& path) { return path == "-" ? "standard input" : path; }

std::string read_input(const std::string& path) {
    Input input(path);
    std::string text;
    std::vector<char> piece(64 * 1024);
    while (const std::size_t count = input.read(piece)) {
        text.append(piece.data(), count);
        if (text.size() > input_bytes_max) throw input.refused(fmt::format("longer than {} bytes", input_bytes_max));
    }
    if (text.empty()) throw input.empty();
    return text;
}

Secret read_secret_file(const std::string& path) {
    Input input(path);
    Wiped<secret_file_bytes_max + 1> text;
    std::size_t size = 0;
    while (const std::size_t count = input.read(std::span(text.bytes).subspan(size))) {
        size += count;
        if (size > secret_file_bytes_max)
            throw input.refused(fmt::format("longer than {} bytes", secret_file_bytes_max));
    }
    if (size == 0) throw input.empty();
    return Secret({text.bytes.data(), size});
}

Timestamp parse_time(const std::string& text, std::string_view option) {
    using namespace std::chrono;
    const auto refuse = [&](const char* why, const char* hint) {
        return Failure(ExitStatus::usage, fmt::format("{} {}: {}", option, text, why), hint);
    };
    if (!text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        constexpr auto last = floor<seconds>(sys_days(year(9999) / December / 31) + days(1)) - seconds(1);
        std::int64_t count = 0;
        const auto error = std::from_chars(text.data(), text.data() + text.size(), count).ec;
        if (error == std::errc() && count <= last.time_since_epoch().count()) return Timestamp(seconds(count));
        throw refuse("beyond the year 9999", "seconds since 1970, not milliseconds");
    }
    const auto time = parse_timestamp(text);
    if (!time) throw refuse("not a time", "seconds since 1970, or UTC like 2026-06-10T23:45:00Z");
    return *time;
}

Result<Headers::Field> split_header(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos)
        return Error(Errc::malformed, "no colon between a header's name and its value");
    const std::string_view name = line.substr(0, colon);
    if (const auto good = check_header(name, ""); !good) return Error(Errc::malformed, good.error().detail());
    constexpr std::string_view white = " \t\r\n";
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(white), value.size()));
    value = value.substr(0, value.find_last_not_of(white) + 1);
    return Headers::Field{std::string(name), std::string(value)};
}

Headers::Field parse_header(std::string_view text, std::string_view option) {
    auto field = split_header(text);
    if (field) return *std::move(field);
    throw Failure(ExitStatus::usage, fmt::format("{}: {}", option, field.error().detail()),
                  fmt::format("{} 'Name: value'", option));
}

void SchemeOption::add_to(CLI::App& app) {
    std::vector<std::string> names;
    for (const Scheme* const scheme : schemes) names.emplace_back(scheme->name);
    app.add_option("--scheme", name, "fpt, ufp or standard_webhooks; else fpt")
        ->type_name("NAME")
        ->check(CLI::IsMember(names));
}

const Scheme& SchemeOption::scheme() const noexcept {
    return **std::find_if(std::begin(schemes), std::end(schemes),
                          [this](const Scheme* candidate) { return candidate->name == name; });
}

void SecretSource::add_to(CLI::App& app, bool needed) {
    auto* group = app.add_option_group("Secret", "never on the command line, where others would see it");
    group->add_option("--secret-env", environment, "Environment variable that holds the signing secret")
        ->type_name("NAME");
    group->add_option("--secret-file", file, "File that holds it, one secret a line")->type_name("FILE");
    group->require_option(needed ? 1 : 0, 1);
}

std::vector<TimedSecret> SecretSource::all() const {
    if (environment.empty() && file.empty()) {
        throw Failure(ExitStatus::usage, "a secret is needed", "--secret-env NAME or --secret-file FILE");
    }
    if (!environment.empty()) {
        const char* const text = std::getenv(environment.c_str());
        if (text == nullptr || *text == '\0') {
            throw Failure(ExitStatus::input, fmt::format("environment variable {}: not set, or empty", environment),
                          fmt::format("export {}=...", environment));
        }
        const std::string label = environment.substr(0, SecretLabel::length_max);
        return {TimedSecret(Secret(text), Timestamp::min(), Timestamp::max(), label)};
    }
    auto read = read_secrets_file(file);
    if (!read) throw Failure(ExitStatus::input, read.error().detail());  // which begins with the file's name
    return *std::move(read);
}

Failure SecretSource::unusable(const TimedSecret& secret, const Error& error) const {
    const std::string place =
        environment.empty() ? fmt::format("{}: {}", file, secret.label) : "environment variable " + environment;
    return {ExitStatus::input, fmt::format("{}: {}", place, error.detail())};
}

void SecretSource::check(const std::vector<TimedSecret>& secrets, const Scheme& scheme) const {
    for (const TimedSecret& secret : secrets) {
        const auto signer = Signer::create(scheme, secret.secret);
        if (!signer) throw unusable(secret, signer.error());
    }
}

}  // namespace fpt_webhooks::cli
