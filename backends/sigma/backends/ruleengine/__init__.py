"""What sigma-cli finds: `sigma convert -t ruleengine_splunk` and `-t ruleengine_logscale`."""

from __future__ import annotations

from sigma.backends.ruleengine.plugin import RuleEngineLogScale, RuleEngineSplunk

__all__ = ["RuleEngineLogScale", "RuleEngineSplunk"]
