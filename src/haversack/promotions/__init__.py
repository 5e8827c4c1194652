"""Promotions: discounts, bonuses, coupons, promo codes and unique offers, as conditions and rewards."""
