"""What users' own tests are given: a running server, a fresh project for each test, and its clock."""

from haversack.testing.clock import Clock, Passed
from haversack.testing.http import Refused
from haversack.testing.project import Player, Project
from haversack.testing.server import Server, ServerNotStarted

__all__ = ["Clock", "Passed", "Player", "Project", "Refused", "Server", "ServerNotStarted"]
