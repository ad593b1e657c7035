"""The C core in this process: sessions that run a `.slim` program, and the plan of a program's memory.

Programs come from `slim.lower`, arrays from the caller; everything that is computed here is computed by the same C text
that `slim.amalgamate` ships.
"""

from slim.runtime.plan import Plan, plan
from slim.runtime.session import ISAS, Session, StepTime, TensorInfo

__all__ = ["ISAS", "Plan", "Session", "StepTime", "TensorInfo", "plan"]
