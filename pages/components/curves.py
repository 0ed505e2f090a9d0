"""Learning curves of a run as the pages draw them, overview and finetune alike."""

import streamlit as st

from core.figures.curves import draw_loss, draw_validation_accuracy
from core.hub import Hub
from pages.components.chart import draw_chart

NAMES = ("loss", "validation_loss", "validation_accuracy")


def draw_curves(hub: Hub, run_id: str, *, key: str, is_log: bool = False) -> bool:
    """Draw loss and validation accuracy of a run's latest round; says whether there was anything to draw."""
    metrics = hub.store.read_metrics(run_id, list(NAMES))
    if metrics.empty:
        return False
    number = int(metrics["round"].max())
    metrics = metrics[metrics["round"] == number]
    left, right = st.columns([1.5, 1])
    with left:
        draw_chart(draw_loss(metrics, is_log=is_log, view=f"{run_id}-{number}"), key=f"{key}_loss")
    with right:
        draw_chart(draw_validation_accuracy(metrics, view=f"{run_id}-{number}"), key=f"{key}_accuracy")
    return True
