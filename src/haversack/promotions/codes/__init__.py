"""What is opened by codes: coupons, promo codes and unique offers, their codes, and how players use them."""
