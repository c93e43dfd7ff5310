// Result<T>: a value or an Error, with the names of C++23's std::expected (which C++20 lacks).
//
// Bad input never throws. `value()`, `*` and `->` on an error are a programming mistake: they throw BadResultAccess
// from a compiled function, so that this header also serves code built with -fno-exceptions (there the program ends).
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include <fpt_webhooks/core/error.hpp>

namespace fpt_webhooks::inline v0_1 {

// Thrown by Result<T>::value() when it holds an error. what() is the error's message.
class FPT_WEBHOOKS_CORE_EXPORT BadResultAccess : public std::exception {
  public:
    explicit BadResultAccess(Error error);
    ~BadResultAccess() override;
    [[nodiscard]] const char* what() const noexcept override;
    [[nodiscard]] const Error& error() const noexcept { return error_; }

  private:
    Error error_;
    std::string what_;
};

namespace detail {
[[noreturn]] FPT_WEBHOOKS_CORE_EXPORT void throw_bad_result_access(const Error& error);
[[noreturn]] FPT_WEBHOOKS_CORE_EXPORT void throw_no_error();
}  // namespace detail

// As movable and copyable as T. Distinct objects may be used by distinct threads.
template <class T>
class [[nodiscard]] Result {
    static_assert(!std::is_reference_v<T> && !std::is_same_v<std::remove_cv_t<T>, Error>);

  public:
    using value_type = T;
    using error_type = Error;

    template <class U = T>
    requires(std::is_constructible_v<T, U>&& std::is_convertible_v<U, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result> && !std::is_same_v<std::remove_cvref_t<U>, Error>)
        Result(U&& value)
        : state_(std::in_place_index<0>, std::forward<U>(value)) {}
    Result(Error error) noexcept : state_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

    // The value, or BadResultAccess. May stand as a statement: "this must have worked".
    T& value() & { return checked(*this); }
    const T& value() const& { return checked(*this); }
    // By value, where std::expected gives a reference: `for (auto& x : f().value())` then holds what it walks over.
    T value() && { return std::move(checked(*this)); }

    [[nodiscard]] T& operator*() & { return checked(*this); }
    [[nodiscard]] const T& operator*() const& { return checked(*this); }
    [[nodiscard]] T operator*() && { return std::move(checked(*this)); }
    [[nodiscard]] T* operator->() { return &checked(*this); }
    [[nodiscard]] const T* operator->() const { return &checked(*this); }

    template <class U>
    [[nodiscard]] T value_or(U&& fallback) const& {
        return has_value() ? *std::get_if<0>(&state_) : static_cast<T>(std::forward<U>(fallback));
    }
    template <class U>
    [[nodiscard]] T value_or(U&& fallback) && {
        return has_value() ? std::move(*std::get_if<0>(&state_)) : static_cast<T>(std::forward<U>(fallback));
    }

    // The error; calling it on a value is a programming mistake and throws std::logic_error.
    [[nodiscard]] const Error& error() const& {
        if (has_value()) detail::throw_no_error();
        return *std::get_if<1>(&state_);
    }
    [[nodiscard]] Error error() && {
        if (has_value()) detail::throw_no_error();
        return std::move(*std::get_if<1>(&state_));
    }

    // `f(T) -> Result<U>`: runs on a value, passes an error on.
    template <class F>
    auto and_then(F&& f) && -> std::invoke_result_t<F, T&&> {
        if (!has_value()) return std::move(*std::get_if<1>(&state_));
        return std::invoke(std::forward<F>(f), std::move(*std::get_if<0>(&state_)));
    }
    // `f(T) -> U`: maps the value, passes an error on.
    template <class F>
    auto transform(F&& f) && -> Result<std::invoke_result_t<F, T&&>> {
        if (!has_value()) return std::move(*std::get_if<1>(&state_));
        return std::invoke(std::forward<F>(f), std::move(*std::get_if<0>(&state_)));
    }

  private:
    template <class Self>
    static auto& checked(Self& self) {
        if (!self.has_value()) detail::throw_bad_result_access(*std::get_if<1>(&self.state_));
        return *std::get_if<0>(&self.state_);
    }

    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    using value_type = void;
    using error_type = Error;

    Result() noexcept = default;
    Result(Error error) noexcept : error_(std::move(error)) {}

    [[nodiscard]] bool has_value() const noexcept { return !error_.has_value(); }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }
    void value() const {
        if (error_) detail::throw_bad_result_access(*error_);
    }
    [[nodiscard]] const Error& error() const& {
        if (!error_) detail::throw_no_error();
        return *error_;
    }
    [[nodiscard]] Error error() && {
        if (!error_) detail::throw_no_error();
        return std::move(*error_);
    }

  private:
    std::optional<Error> error_;
};

}  // namespace fpt_webhooks::inline v0_1
