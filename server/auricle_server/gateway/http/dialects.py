"""The wire formats that a gateway serves beside its own."""

from __future__ import annotations

from auricle_server.gateway.dialects.deepgram_listen.listen_endpoint import ListenEndpoint, ListenFileEndpoint
from auricle_server.gateway.dialects.flux import FluxEndpoint
from auricle_server.gateway.dialects.nim_realtime.endpoint import NimRealtimeEndpoint, NimSessionsEndpoint
from auricle_server.gateway.dialects.openai_files.endpoint import TranscriptionsEndpoint
from auricle_server.gateway.dialects.openai_files.questions import ModelsEndpoint, TranslationsEndpoint
from auricle_server.gateway.dialects.openai_realtime import RealtimeEndpoint
from auricle_server.gateway.session.endpoint import Endpoint
from auricle_server.gateway.session.file_endpoint import FileEndpoint, QuestionEndpoint
from auricle_server.gateway.session.formats.shared_path import SharedPath

ENDPOINTS: tuple[Endpoint, ...] = (
    ListenEndpoint(),
    FluxEndpoint(),
    SharedPath(RealtimeEndpoint(), NimRealtimeEndpoint()),
)
"""Their ways in through WebSockets."""
FILE_ENDPOINTS: tuple[FileEndpoint, ...] = (TranscriptionsEndpoint(), ListenFileEndpoint())
"""Where recordings are uploaded."""
QUESTION_ENDPOINTS: tuple[QuestionEndpoint, ...] = (ModelsEndpoint(), TranslationsEndpoint(), NimSessionsEndpoint())
"""What else is asked over HTTP."""
