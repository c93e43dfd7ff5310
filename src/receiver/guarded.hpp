// The one place where code that is not ours runs: handlers, observers, stores, functions of the user's.
#pragma once

#include <exception>
#include <string>
#include <type_traits>

#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1::detail {

// `call() -> Result<T>`; what it throws becomes an error with this code.
template <class Call>
auto guarded(Errc on_exception, Call&& call) -> std::invoke_result_t<Call&> {
    try {
        return call();
    } catch (const std::exception& exception) {
        return Error(on_exception, std::string("exception: ") + exception.what());
    } catch (...) {
        return Error(on_exception, "exception that is no std::exception");
    }
}

}  // namespace fpt_webhooks::inline v0_1::detail
