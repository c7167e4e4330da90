"""The LangGraph graph of one turn: the router decides, then the chosen agent speaks."""

from typing import TYPE_CHECKING, Any

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from service.agents.agents import TurnState, agent_node
from service.agents.router import decide
from service.domain.conversation import Routed
from service.ports.conversation import CallBrief
from service.ports.language import LanguageModel

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

ROUTER = "(router)"
"""In brackets, so that an agent may be called router."""


def build_graph(
    language_model: LanguageModel, agents: tuple[str, ...]
) -> "CompiledStateGraph[TurnState, CallBrief, TurnState, TurnState]":
    """Compile the graph for agents of these names; calls share it, with their brief as context."""
    graph = StateGraph(TurnState, context_schema=CallBrief)
    graph.add_node(ROUTER, _route)
    graph.add_edge(START, ROUTER)
    speak = agent_node(language_model)
    for name in agents:
        graph.add_node(name, speak)
        graph.add_edge(name, END)
    graph.add_conditional_edges(ROUTER, _chosen, list(agents))
    return graph.compile()


async def _route(state: TurnState, *, runtime: Runtime[CallBrief]) -> dict[str, Any]:
    decision = decide(state["memory"], state["caller"], brief=runtime.context)
    get_stream_writer()(Routed(agent=decision.move.agent, reason=decision.move.reason))
    return {"memory": decision.state, "move": decision.move}


async def _chosen(state: TurnState) -> str:
    move = state["move"]
    return move.agent if move is not None else END
