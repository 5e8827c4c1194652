"""What the page says beside its templates: messages that are chosen by a reason, marked for the translators."""

from collections.abc import Mapping
from enum import StrEnum

from haversack.payments.page.languages import Language
from haversack.payments.page.rules import Brand, Problem
from haversack.payments.providers.test_cards import Behaviour
from haversack.payments.rules import MethodKind


def phrase(text: str) -> str:
    """Mark a message for translation; templates translate it when they show it."""
    return text


# Said below the field at fault.
PROBLEMS: Mapping[Problem, str] = {
    Problem.NUMBER_MISSING: phrase("Enter the card number."),
    Problem.NUMBER_WRONG: phrase("This is not a card number. Check its digits."),
    Problem.EXPIRY_MISSING: phrase("Enter the expiry date."),
    Problem.EXPIRY_WRONG: phrase("Enter month and year, as on the card: MM / YY."),
    Problem.EXPIRY_PAST: phrase("This card has expired. Use another one."),
    Problem.CVV_MISSING: phrase("Enter the security code."),
    Problem.CVV_WRONG: phrase("The code has 3 digits, on American Express 4."),
    Problem.ZIP_MISSING: phrase("Enter your ZIP or postal code."),
    Problem.ZIP_WRONG: phrase("This is not a postal code of your country."),
    Problem.EMAIL_WRONG: phrase("This is not an e-mail address."),
    Problem.METHOD_MISSING: phrase("Choose how you want to pay."),
}

BRAND_NAMES: Mapping[str, str] = {
    Brand.VISA: "Visa",
    Brand.MASTERCARD: "Mastercard",
    Brand.AMEX: "American Express",
    Brand.DISCOVER: "Discover",
    Brand.DINERS: "Diners Club",
    Brand.JCB: "JCB",
    Brand.UNIONPAY: "UnionPay",
    Brand.MAESTRO: "Maestro",
    Brand.MIR: "Mir",
}

METHOD_NAMES: Mapping[MethodKind, str] = {
    MethodKind.CARD: phrase("Card"),
    MethodKind.PAYPAL: "PayPal",
    MethodKind.GOOGLE_PAY: "Google Pay",
    MethodKind.APPLE_PAY: "Apple Pay",
}

# What a test card does; one that declines says its own reason.
TEST_CARD_EFFECTS: Mapping[Behaviour, str] = {
    Behaviour.SUCCEEDS: phrase("Pays at once."),
    Behaviour.CHALLENGES: phrase("Asks for a code of the bank (3-D Secure)."),
    Behaviour.DECLINES: phrase("The card was declined."),
    Behaviour.ANSWERS_LATE: phrase("Pays after ten seconds."),
    Behaviour.ANSWERS_TWICE: phrase("Pays, and the bank says so twice."),
    Behaviour.NEVER_ANSWERS: phrase("The bank never answers."),
    Behaviour.ANSWER_IS_LOST: phrase("Pays, but the bank's answer gets lost."),
    Behaviour.REFUSES_REFUNDS: phrase("Pays, and cannot be refunded."),
}

# Reasons that `payments` gives in English. One that is not among them, such as a bank's own words, is shown as it is.
REASONS = (
    phrase("The card was declined."),
    phrase("There is not enough money on the card."),
    phrase("The card was reported lost."),
    phrase("The card was reported stolen."),
    phrase("The card has expired."),
    phrase("The security code is wrong."),
    phrase("The bank could not process the card. Try again, or use another one."),
    phrase("3-D Secure: the code is wrong."),
    phrase("This is the sandbox: it takes test cards only, and never a real one. docs/payments.md lists them."),
    phrase("This card has expired. Test cards are good until 12/40."),
    phrase("This shop cannot take payments yet."),
    phrase("The payment provider cannot be reached. Nothing was charged; try again."),
    phrase("This order was canceled. Start the purchase anew."),
    phrase("This order has expired. Start the purchase anew."),
    phrase("The game does not answer, so nothing can be bought for this player right now. Try again later."),
    phrase("The game does not accept this player."),
    phrase("This saved card is not there any more. Enter a card."),
    phrase("This way to pay is not offered here."),
    phrase("There is no payment that waits for a code. Start it anew."),
    phrase("The payment was canceled."),
    phrase("The payment did not go through. Try again, or use another card."),
    phrase("The money went back to you."),
    phrase("Another payment was begun for the same purchase."),
    phrase("This order is paid."),
)


class Standing(StrEnum):
    """How a purchase stands, as the status page tells it."""

    DONE = "done"
    DELIVERING = "delivering"
    PROCESSING = "processing"
    FAILED = "failed"
    CANCELED = "canceled"
    REFUNDED = "refunded"
    PARTLY_REFUNDED = "partly_refunded"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    LEFT = "left"
    GOING_BACK = "going_back"


# Title, and what it means or what to do.
STANDINGS: Mapping[Standing, tuple[str, str]] = {
    Standing.DONE: (phrase("Thank you, it is paid"), phrase("Your purchase is complete.")),
    Standing.DELIVERING: (
        phrase("Thank you, it is paid"),
        phrase("The game is being told. What you bought arrives in a moment."),
    ),
    Standing.PROCESSING: (
        phrase("Your payment is under way"),
        phrase("The bank has not answered yet. This page looks again by itself. You may close it: nothing gets lost."),
    ),
    Standing.FAILED: (phrase("The payment did not go through"), phrase("Nothing was charged.")),
    Standing.CANCELED: (phrase("The payment was canceled"), phrase("Nothing was charged.")),
    Standing.REFUNDED: (phrase("The payment was refunded"), phrase("The money goes back to where it came from.")),
    Standing.PARTLY_REFUNDED: (
        phrase("A part of it was refunded"),
        phrase("The money goes back to where it came from. What you bought stays yours."),
    ),
    Standing.GOING_BACK: (
        phrase("What you paid for is gone"),
        phrase("Your money goes back to where it came from."),
    ),
    Standing.EXPIRED: (
        phrase("This purchase has expired"),
        phrase("It was not paid in time, and nothing was charged. Go back to the game and start it anew."),
    ),
    Standing.WITHDRAWN: (
        phrase("This purchase was canceled"),
        phrase("It can no longer be paid, and nothing was charged. Go back to the game and start it anew."),
    ),
    Standing.LEFT: (
        phrase("You have not paid"),
        phrase("Nothing was charged. You can still come back to this purchase for a while."),
    ),
}


class Fault(StrEnum):
    """Why there is no page to show."""

    TOKEN = "token"  # noqa: S105 - a word, not a secret
    FORM = "form"
    ADDRESS = "address"
    PACE = "pace"
    BROKEN = "broken"
    AWAY = "away"


FAULTS: Mapping[Fault, tuple[str, str]] = {
    Fault.TOKEN: (
        phrase("This payment link does not work"),
        # Of a link that is over nothing is known any more, not even whether it was paid.
        phrase(
            "Links work for a day and belong to one purchase. Go back to the game and look whether your purchase has "
            "arrived before you pay again."
        ),
    ),
    Fault.FORM: (
        phrase("This form came from elsewhere"),
        phrase("Nothing was charged. Open the payment from your game again."),
    ),
    Fault.ADDRESS: (
        phrase("This page cannot be opened"),
        phrase("A part of its address is missing or mistyped. Open the payment from your game again."),
    ),
    Fault.PACE: (
        phrase("A little too fast"),
        phrase("There were many tries in a short time. Wait a few minutes, then go on; your purchase is kept."),
    ),
    Fault.BROKEN: (
        phrase("Something broke on our side"),
        phrase("Go back to the game and look whether your purchase has arrived before you pay again."),
    ),
    Fault.AWAY: (
        phrase("Back in a moment"),
        phrase("The shop cannot reach its records right now. Try again shortly; your purchase is kept."),
    ),
}
DECLINED_ADVICE = phrase("Nothing was charged. Try again with another card or another way to pay.")
TOO_MANY_TRIES = (
    phrase("Too many tries"),
    phrase("Nothing was charged. Wait ten minutes, then try again; your purchase is kept."),
)
REFUSED_TITLE = phrase("The purchase cannot go on")
# May be followed by the game's own words.
GAME_REFUSED = phrase("The game does not accept this player.")


def said_in(language: Language, reason: str) -> str:
    """A reason of `payments` in the player's language, as far as it is one of ours."""
    if reason.startswith(GAME_REFUSED):
        return language.messages.gettext(GAME_REFUSED) + reason.removeprefix(GAME_REFUSED)
    return language.messages.gettext(reason) if reason else reason
