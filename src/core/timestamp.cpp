#include <fpt_webhooks/core/timestamp.hpp>

#include <optional>

namespace fpt_webhooks::inline v0_1 {
namespace {

namespace chr = std::chrono;

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Reads a text of fixed-width fields from its start; remembers the first fault and then does nothing more.
class FieldReader {
  public:
    explicit FieldReader(std::string_view text) noexcept : text_(text) {}

    // A number of exactly `width` digits from `min` to `max`.
    int number(std::size_t width, int min, int max, const char* what) noexcept {
        const std::size_t start = at_;
        int value = 0;
        for (std::size_t i = 0; i < width && !fault_; ++i) {
            if (at_ >= text_.size() || !is_digit(text_[at_])) return fail(at_, what), 0;
            value = value * 10 + (text_[at_++] - '0');
        }
        if (!fault_ && (value < min || value > max)) fail(start, what);
        return value;
    }

    void one_of(std::string_view characters, const char* what) noexcept {
        if (fault_) return;
        if (at_ >= text_.size() || characters.find(text_[at_]) == std::string_view::npos) return fail(at_, what);
        ++at_;
    }

    // ".123456789" as milliseconds, floored; nothing there is zero.
    chr::milliseconds fraction() noexcept {
        if (fault_ || at_ >= text_.size() || text_[at_] != '.') return {};
        ++at_;
        int digits = 0;
        int milliseconds = 0;
        for (; at_ < text_.size() && is_digit(text_[at_]); ++at_, ++digits) {
            if (digits == 9) return fail(at_, "at most nine fractional digits"), chr::milliseconds(0);
            if (digits < 3) milliseconds = milliseconds * 10 + (text_[at_] - '0');
        }
        if (digits == 0) return fail(at_, "digits after the point"), chr::milliseconds(0);
        for (; digits < 3; ++digits) milliseconds *= 10;
        return chr::milliseconds(milliseconds);
    }

    void end() noexcept {
        if (!fault_ && at_ != text_.size()) fail(at_, "nothing after it");
    }
    void fail(std::size_t offset, const char* what) noexcept {
        if (!fault_) fault_ = Fault{offset, what};
    }

    [[nodiscard]] bool failed() const noexcept { return fault_.has_value(); }
    [[nodiscard]] Error error(const char* subject) const {
        return {Errc::malformed, std::string(subject) + ": expected " + fault_->what, fault_->offset};
    }

  private:
    struct Fault {
        std::size_t offset;
        const char* what;
    };
    std::string_view text_;
    std::size_t at_ = 0;
    std::optional<Fault> fault_;
};

char* put_number(char* out, int value, int width) noexcept {
    for (int i = width - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
    return out + width;
}

}  // namespace

Result<Timestamp> parse_timestamp(std::string_view text) {
    FieldReader read(text);
    const int year = read.number(4, 0, 9999, "a year of four digits");
    read.one_of("-", "'-'");
    const int month = read.number(2, 1, 12, "a month from 01 to 12");
    read.one_of("-", "'-'");
    const int day = read.number(2, 1, 31, "a day of that month");
    const chr::year_month_day date{chr::year(year), chr::month(static_cast<unsigned>(month)),
                                   chr::day(static_cast<unsigned>(day))};
    if (!read.failed() && !date.ok()) read.fail(8, "a day of that month");
    read.one_of("T", "'T'");
    const int hour = read.number(2, 0, 23, "an hour from 00 to 23");
    read.one_of(":", "':'");
    const int minute = read.number(2, 0, 59, "a minute from 00 to 59");
    read.one_of(":", "':'");
    const int second = read.number(2, 0, 59, "a second from 00 to 59");
    const auto fraction = read.fraction();
    read.one_of("Z", "'Z' (UTC)");
    read.end();
    if (read.failed()) return read.error("timestamp");
    return chr::sys_days(date) + chr::hours(hour) + chr::minutes(minute) + chr::seconds(second) + fraction;
}

Result<std::string> format_timestamp(Timestamp time) {
    const auto day = chr::floor<chr::days>(time);
    const chr::year_month_day date(day);
    const int year = static_cast<int>(date.year());
    if (year < 0 || year > 9999 || !date.ok()) {
        return Error(Errc::out_of_range, "timestamp: outside the years 0000 to 9999");
    }
    const chr::hh_mm_ss clock(time - day);
    std::string text(24, 'Z');
    char* out = text.data();
    out = put_number(out, year, 4);
    *out++ = '-';
    out = put_number(out, static_cast<int>(static_cast<unsigned>(date.month())), 2);
    *out++ = '-';
    out = put_number(out, static_cast<int>(static_cast<unsigned>(date.day())), 2);
    *out++ = 'T';
    out = put_number(out, static_cast<int>(clock.hours().count()), 2);
    *out++ = ':';
    out = put_number(out, static_cast<int>(clock.minutes().count()), 2);
    *out++ = ':';
    out = put_number(out, static_cast<int>(clock.seconds().count()), 2);
    *out++ = '.';
    put_number(out, static_cast<int>(clock.subseconds().count()), 3);
    return text;
}

Result<WallClockTime> parse_ufp_time(std::string_view text) {
    FieldReader read(text);
    const int day = read.number(2, 1, 31, "a day of that month");
    read.one_of("/", "'/'");
    const int month = read.number(2, 1, 12, "a month from 01 to 12");
    read.one_of("/", "'/'");
    const int year = read.number(4, 0, 9999, "a year of four digits");
    const chr::year_month_day date{chr::year(year), chr::month(static_cast<unsigned>(month)),
                                   chr::day(static_cast<unsigned>(day))};
    if (!read.failed() && !date.ok()) read.fail(0, "a day of that month");
    read.one_of(" ", "' '");
    const int hour = read.number(2, 0, 23, "an hour from 00 to 23");
    read.one_of(":.", "':' or '.'");
    const int minute = read.number(2, 0, 59, "a minute from 00 to 59");
    read.end();
    if (read.failed()) return read.error("UFP time");
    return chr::local_days(date) + chr::hours(hour) + chr::minutes(minute);
}

}  // namespace fpt_webhooks::inline v0_1
