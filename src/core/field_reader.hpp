// Reads a text of fixed-width fields from its start, as dates are written; remembers the first fault and then finds
// nothing more to read, so that a grammar is read without a test after every field.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <fpt_webhooks/core/error.hpp>

namespace fpt_webhooks::inline v0_1::detail {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// `what` of every function: what was expected there, for the error.
class FieldReader {
  public:
    explicit FieldReader(std::string_view text) noexcept : text_(text) {}

    // A number of exactly `width` digits from `min` to `max`.
    int number(std::size_t width, int min, int max, const char* what) noexcept {
        const std::size_t start = at_;
        int value = 0;
        for (std::size_t i = 0; i < width; ++i) {
            if (!at_digit()) return fail(at_, what), 0;
            value = value * 10 + (text_[at_++] - '0');
        }
        if (value < min || value > max) fail(start, what);
        return value;
    }

    // As many digits as there are, at least one and at most `digits_max`; only the first `digits_kept` make the value,
    // filled up with zeros if there are fewer.
    int fraction(int digits_max, int digits_kept, const char* what) noexcept {
        int value = 0;
        int digits = 0;
        for (; at_digit(); ++at_, ++digits) {
            if (digits == digits_max) return fail(at_, what), 0;
            if (digits < digits_kept) value = value * 10 + (text_[at_] - '0');
        }
        if (digits == 0) return fail(at_, what), 0;
        for (; digits < digits_kept; ++digits) value *= 10;
        return value;
    }

    void one(char character, const char* what) noexcept {
        if (!at(character)) return fail(at_, what);
        ++at_;
    }

    void one_of(std::string_view characters, const char* what) noexcept {
        if (at_ >= text_.size() || characters.find(text_[at_]) == std::string_view::npos) return fail(at_, what);
        ++at_;
    }

    void literal(std::string_view expected, const char* what) noexcept {
        if (!text_.substr(at_).starts_with(expected)) return fail(at_, what);
        at_ += expected.size();
    }

    // The index of the name that stands here.
    int name(std::span<const std::string_view> names, const char* what) noexcept {
        const auto found = std::find_if(names.begin(), names.end(), [&](std::string_view candidate) {
            return text_.substr(at_).starts_with(candidate);
        });
        if (found == names.end()) return fail(at_, what), 0;
        at_ += found->size();
        return static_cast<int>(found - names.begin());
    }

    void end() noexcept {
        if (at_ != text_.size()) fail(at_, "nothing after it");
    }

    // The first fault counts.
    void fail(std::size_t offset, const char* what) noexcept {
        if (!fault_) fault_ = Fault{offset, what};
        text_ = text_.substr(0, at_);
    }

    [[nodiscard]] bool at(char c) const noexcept { return at_ < text_.size() && text_[at_] == c; }
    [[nodiscard]] bool failed() const noexcept { return fault_.has_value(); }

    // "<subject>: expected <what>", if something was wrong.
    [[nodiscard]] std::optional<Error> error(const char* subject) const {
        if (!fault_) return std::nullopt;
        return Error(Errc::malformed, std::string(subject) + ": expected " + fault_->what, fault_->offset);
    }

  private:
    struct Fault {
        std::size_t offset;
        const char* what;
    };

    [[nodiscard]] bool at_digit() const noexcept { return at_ < text_.size() && is_digit(text_[at_]); }

    std::string_view text_;
    std::size_t at_ = 0;
    std::optional<Fault> fault_;
};

}  // namespace fpt_webhooks::inline v0_1::detail
