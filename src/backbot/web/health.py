"""What a load balancer asks: is the process alive, and can it answer?"""

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse

from backbot.bot import Bot
from backbot.operation.metrics import show_degraded
from backbot.operation.readiness import Readiness


def add_health(app: FastAPI, bot: Bot) -> None:
    """Give the application /healthz and /readyz."""
    router = APIRouter(include_in_schema=False)
    readiness = Readiness(bot)
    # What is loaded by the first question should keep no reader waiting.
    readiness.check()
    bot.index.on_degraded(show_degraded)

    @router.get("/healthz")
    async def is_alive() -> JSONResponse:
        """Alive: nothing is looked at, so that a process is not restarted for a fault that a restart does not mend."""
        return JSONResponse({"status": "ok"})

    @router.get("/readyz")
    def is_ready() -> JSONResponse:
        """Ready to be sent readers, even if degraded: every machine would be, and none left; 503 with a reason when not."""
        ready = readiness.check()
        if ready.reason:
            return JSONResponse({"status": "not ready", "reason": ready.reason}, 503, {"Retry-After": "10"})
        state = {"status": "degraded", "reason": ready.degraded} if ready.degraded else {"status": "ready"}
        return JSONResponse({**state, "generation": ready.generation, "passages": ready.passages})

    app.include_router(router)
