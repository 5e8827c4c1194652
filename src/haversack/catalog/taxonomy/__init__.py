"""Groups, attributes and regions: what items are ordered, described and restricted by."""
