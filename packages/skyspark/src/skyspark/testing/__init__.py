"""Testing Spark code: fixtures (see ``skyspark.testing.plugin``) and an assertion about frames."""

from skyspark.testing.frames import assert_frame_equal

__all__ = ["assert_frame_equal"]
