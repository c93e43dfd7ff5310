#include <fpt_webhooks/core/ufp_catalogue.hpp>

#include <algorithm>
#include <array>

namespace fpt_webhooks::inline v0_1 {
namespace {

// The vendor's sample body spells this one key in another way than its catalogue.
constexpr std::string_view alias = "new_lead_created";
constexpr std::string_view alias_stands_for = "newlead_created";

constexpr auto events = std::to_array<UfpEventInfo>({
    {"newlead_created", "Sales", "a lead is new"},
    {"repeat_enq_created", "Sales", "a known lead or client enquires again"},
    {"tour_booked", "Sales", "a lead books a tour"},
    {"tour_marked_noshow", "Sales", "a lead missed the tour"},
    {"trial_created", "Sales", "a client gets a trial"},
    {"sub_signup_link_generated", "Sales", "a signup link is made"},
    {"sub_signup_completed", "Subscriptions", "a signup succeeds"},
    {"sub_signup_failed", "Subscriptions", "a signup fails"},
    {"sub_cancellation_requested", "Subscriptions", "a client asks to cancel"},
    {"sub_freeze_created", "Subscriptions", "a subscription is frozen"},
    {"sub_freeze_voided", "Subscriptions", "an admin voids a freeze"},
    {"sub_freeze_stopped", "Subscriptions", "a freeze ends, the subscription is active again"},
    {"sub_voided", "Subscriptions", "an admin voids an active subscription"},
    {"transferor_consent_request_initiated", "Subscriptions", "consent to a transfer is asked for"},
    {"invoice_created", "Billing & Payment", "an invoice is new"},
    {"invoice_voided", "Billing & Payment", "an invoice is voided"},
    {"recurring_payment_received", "Billing & Payment", "a recurring payment succeeds"},
    {"recurring_payment_failed", "Billing & Payment", "a recurring payment fails"},
    {"non_recurring_payment_received", "Billing & Payment", "a one-off payment succeeds"},
    {"non_recurring_payment_failed", "Billing & Payment", "a one-off payment fails"},
    {"payment_voided", "Billing & Payment", "a completed payment is voided"},
    {"sales_return_created", "Billing & Payment", "a sales return begins"},
    {"sales_return_voided", "Billing & Payment", "a sales return is voided"},
    {"refund_processed", "Billing & Payment", "a payment is refunded"},
    {"single_appt_booked", "Appointments", "a single appointment is booked"},
    {"single_appt_cancelled", "Appointments", "a single appointment is cancelled"},
    {"single_appt_rescheduled", "Appointments", "a single appointment moves"},
    {"single_appt_marked_attended", "Appointments", "the client attended"},
    {"single_appt_marked_noshow", "Appointments", "the client did not come"},
    {"recurring_appt_booked", "Appointments", "a series of appointments is booked"},
    {"recurring_appt_cancelled", "Appointments", "a series of appointments is cancelled"},
    {"recurring_appt_rescheduled", "Appointments", "a series of appointments moves"},
    {"class_booked", "Classes", "a client books a class"},
    {"class_booking_cancelled", "Classes", "a client cancels one class booking"},
    {"class_cancelled", "Classes", "an admin cancels a whole class schedule"},
    {"class_rescheduled", "Classes", "a class moves"},
    {"class_marked_attended", "Classes", "a client attended a class"},
    {"class_marked_noshow", "Classes", "a client missed a class"},
    {"class_waitlist_spot_vacated", "Classes", "a spot opens in a full class with a waitlist"},
    {"class_coach_substituted", "Classes", "a class gets another coach"},
    {"waiver_completed", "Client Management", "a client signs a waiver"},
    {"flagged_clt_at_risk", "Retention", "a client is flagged by hand as at risk of leaving"},
    {"app_booking_restricted", "Client Management", "an admin restricts a client's booking"},
    {"app_booking_restriction_lifted", "Client Management", "a client's booking restriction ends"},
    {"clt_birthday", "Notifications", "a client's birthday"},
    {"tour_scheduled_date", "Notifications", "the day of a tour"},
    {"trial_start_date", "Notifications", "the day a trial begins"},
    {"trial_end_date", "Notifications", "the day a trial ends"},
    {"sub_cancellation_date", "Notifications", "the day a cancellation takes effect"},
    {"sub_freeze_start_date", "Notifications", "the day a freeze begins"},
    {"sub_freeze_end_date", "Notifications", "the day a freeze ends"},
    {"class_session_date", "Notifications", "the day of a class session"},
});

}  // namespace

std::span<const UfpEventInfo> ufp_events() noexcept { return events; }

const UfpEventInfo* find_ufp_event(std::string_view key) noexcept {
    const auto found =
        std::find_if(events.begin(), events.end(),
                     [canonical = canonical_ufp_key(key)](const auto& event) { return event.key == canonical; });
    return found != events.end() ? &*found : nullptr;
}

std::string_view canonical_ufp_key(std::string_view key) noexcept { return key == alias ? alias_stands_for : key; }

}  // namespace fpt_webhooks::inline v0_1
