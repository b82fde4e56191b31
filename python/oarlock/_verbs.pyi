# Made from the registry of verbs; not to be edited. `UPDATE_EXPECT=1 cargo test -p oarlock-ops --test python` writes it again.
from typing import Any, Dict, List, Literal, Mapping, Optional, Sequence, Union

from typing_extensions import NotRequired, TypedDict

class AckReply(TypedDict):
    acknowledged: NotRequired[int]
    messages: List[MessageShape]
    more: NotRequired[bool]

Activity = Literal["idle", "progressing", "stuck"]

class Advice(TypedDict):
    agents: int
    makespan_minutes: Dict[str, Any]
    reason: NotRequired[str]

class AgentShape(TypedDict):
    action: NotRequired[str]
    activity: Activity
    age_ms: int
    capabilities: List[str]
    claims: List[str]
    host: NotRequired[str]
    last_seen: str
    max_claims: NotRequired[int]
    name: str
    pid: NotRequired[int]
    program: NotRequired[str]
    role: NotRequired[str]
    session: str
    state: AgentState
    status: NotRequired[str]
    timeout_ms: int

AgentState = Literal["active", "stale", "lost", "left"]

class AgentsReply(TypedDict):
    active: int
    agents: List[AgentShape]
    next: NotRequired[str]

class AttentionItem(TypedDict):
    about: NotRequired[str]
    age_ms: int
    agent: NotRequired[str]
    next: str
    reason: AttentionReason
    subject: str

AttentionReason = Literal["review", "agent_asks", "landing_refused", "landing_waits", "task_dead", "task_cancelled", "nobody_able", "agent_stuck", "abandoned", "agent_lost"]

class AttentionReply(TypedDict):
    items: List[AttentionItem]
    next: NotRequired[str]

class ClaimReply(TypedDict):
    blocked: NotRequired[List[str]]
    cancelled: NotRequired[List[str]]
    claims: NotRequired[List[Claimed]]
    lease: NotRequired[LeaseShape]
    lost: NotRequired[List[str]]
    reservations: NotRequired[List[ReservationShape]]
    reservations_ended: NotRequired[List[EndedReservation]]
    task: NotRequired[TaskShape]
    unread: int

class Claimed(TypedDict):
    lease: LeaseShape
    reservations: List[ReservationShape]
    task: TaskShape

Clearable = Literal["writes", "requires", "resources", "needs"]

ClosedBy = Literal["quorum", "deadline"]

class Conflict(TypedDict):
    message: str
    path: str
    steps: List[int]

class DoneReply(TypedDict):
    blocked: NotRequired[List[str]]
    cancelled: NotRequired[List[str]]
    claimed: NotRequired[ClaimReply]
    lost: NotRequired[List[str]]
    nothing_ready: NotRequired[NextRefused]
    reservations_ended: NotRequired[List[EndedReservation]]
    task: TaskShape
    unblocked: List[str]
    unmet_needs: NotRequired[List[str]]
    unread: int

Edge = TypedDict(
    "Edge",
    {
        "confidence": float,
        "from": int,
        "reason": str,
        "to": int,
    },
)

class EndedReservation(TypedDict):
    id: str
    pattern: str
    reason: ReservationEnd
    task: NotRequired[str]

class EntryReply(TypedDict):
    state: EntryShape

class EntryShape(TypedDict):
    key: str
    updated_at: str
    updated_by: NotRequired[str]
    value: NotRequired[Any]
    version: int

class EventShape(TypedDict):
    agent: NotRequired[str]
    at: str
    cursor: str
    data: Any
    kind: str
    session: NotRequired[str]
    subject: str

class EventsReply(TypedDict):
    cursor: str
    events: List[EventShape]
    next: NotRequired[str]

Gate = Literal["human", "merge"]

class GetStateReply(TypedDict):
    entries: List[EntryShape]
    next: NotRequired[str]

Grouping = Literal["auto", "steps", "component", "feature", "layer"]

class HeartbeatReply(TypedDict):
    agent: AgentShape
    blocked: NotRequired[List[str]]
    cancelled: List[str]
    lost: List[str]
    renewed: int
    reservations_ended: NotRequired[List[EndedReservation]]
    unread: int

class HolderShape(TypedDict):
    agent: NotRequired[str]
    intended: NotRequired[bool]
    last_seen: NotRequired[str]
    outside: NotRequired[bool]
    session: NotRequired[str]
    since: str
    source: NotRequired[str]
    token: NotRequired[int]
    ttl_ms: NotRequired[int]

class InboxReply(TypedDict):
    messages: List[MessageShape]
    next: NotRequired[str]
    older: NotRequired[int]

class JoinReply(TypedDict):
    agent: AgentShape
    resumed: bool
    session: str

LandingRefusal = Literal["conflict", "test", "withdrawn"]

class LandingShape(TypedDict):
    branch: NotRequired[str]
    commit: str
    files: List[str]
    landed_commit: NotRequired[str]
    reason: NotRequired[LandingRefusal]
    state: LandingState
    verified: NotRequired[bool]

LandingState = Literal["queued", "testing", "landed", "refused"]

class LeaseShape(TypedDict):
    attempt: int
    task: str
    token: int
    ttl_ms: int

class LeaveReply(TypedDict):
    released: List[str]

MessageShape = TypedDict(
    "MessageShape",
    {
        "ack_required": bool,
        "acked": bool,
        "from": str,
        "id": str,
        "reply_to": NotRequired[str],
        "sent_at": str,
        "subject": NotRequired[str],
        "text": str,
        "thread": str,
        "to": List[str],
    },
)

class MessagesReply(TypedDict):
    left_out: NotRequired[int]
    messages: List[MessageShape]

Mode = Literal["exclusive", "shared"]

class NextRefused(TypedDict):
    code: str
    hint: str
    message: str
    messages: NotRequired[List[MessageShape]]

class OldestReady(TypedDict):
    age_ms: int
    id: str

class OpenProposal(TypedDict):
    closes_in_ms: NotRequired[int]
    id: str
    question: str
    votes: int

class OutsideTask(TypedDict):
    age_ms: int
    agent: NotRequired[str]
    id: str
    source: str

Planner = Literal["rules", "agent"]

class PrimeReply(TypedDict):
    text: str

class ProposalReply(TypedDict):
    proposal: ProposalShape

class ProposalShape(TypedDict):
    awaited: NotRequired[List[str]]
    closed_by: NotRequired[ClosedBy]
    closes_in_ms: NotRequired[int]
    counted: NotRequired[int]
    decision: NotRequired[str]
    id: str
    opened_at: str
    opened_by: NotRequired[str]
    options: List[str]
    question: str
    quorum: Union[str, int]
    state: ProposalState
    voted: NotRequired[str]
    votes: Dict[str, int]

ProposalState = Literal["open", "closed"]

class ReadyReply(TypedDict):
    next: NotRequired[str]
    tasks: List[TaskShape]

class RenewReply(TypedDict):
    blocked: NotRequired[List[str]]
    blocked_by: NotRequired[List[str]]
    cancelled: NotRequired[List[str]]
    lease: NotRequired[LeaseShape]
    leases: NotRequired[List[LeaseShape]]
    lost: NotRequired[List[str]]
    reservations_ended: NotRequired[List[EndedReservation]]
    unread: int

class RequeueReply(TypedDict):
    requeued: NotRequired[List[str]]
    still_cancelled: NotRequired[List[str]]
    task: TaskShape

ReservationEnd = Literal["released", "expired", "lease_ended", "session_ended"]

class ReservationListReply(TypedDict):
    next: NotRequired[str]
    reservations: List[ReservationShape]

class ReservationShape(TypedDict):
    agent: str
    id: str
    mode: Mode
    pattern: str
    reason: NotRequired[str]
    task: NotRequired[str]
    ttl_ms: int

class ReservationsReply(TypedDict):
    reservations: List[ReservationShape]

class ShowAgentReply(TypedDict):
    agent: AgentShape

class ShowTaskReply(TypedDict):
    events: List[EventShape]
    next: NotRequired[str]
    task: TaskShape

class SplitReply(TypedDict):
    advice: NotRequired[Advice]
    conflicts: List[Conflict]
    created: List[TaskShape]
    edges: List[Edge]
    format: NotRequired[str]
    lease_ended: NotRequired[int]
    makespan_minutes: int
    parallelizable: bool
    planner: NotRequired[str]
    prompt: NotRequired[str]
    reason: NotRequired[str]
    reservations_ended: NotRequired[List[str]]
    serial_minutes: int
    steps: List[Step]
    subtasks: List[Subtask]
    task: str
    warnings: List[str]
    waves: List[List[str]]

class StatusReply(TypedDict):
    abandoned: NotRequired[List[OutsideTask]]
    agents: Dict[str, int]
    attention: NotRequired[List[AttentionItem]]
    attention_more: NotRequired[int]
    cursor: str
    dead_letters: List[str]
    expired_leases: int
    landing: NotRequired[List[TargetCounts]]
    lost: List[str]
    oldest_ready: NotRequired[OldestReady]
    other_stores: NotRequired[List[str]]
    outside: NotRequired[List[OutsideTask]]
    proposals: NotRequired[List[OpenProposal]]
    reservations: int
    stuck: List[str]
    tasks: Dict[str, int]

class Step(TypedDict):
    end: int
    estimate_minutes: NotRequired[int]
    line: int
    lines: NotRequired[List[List[int]]]
    n: int
    phase: NotRequired[str]
    title: str
    writes: List[str]

class Subtask(TypedDict):
    assigned: NotRequired[str]
    capabilities: List[str]
    depends_on: List[str]
    estimate_minutes: NotRequired[int]
    id: str
    steps: List[int]
    title: str
    writes: List[str]

class TargetCounts(TypedDict):
    landed: int
    onto: str
    queued: int
    refused: int
    testing: int
    verified: int

class TaskReply(TypedDict):
    task: TaskShape

class TaskShape(TypedDict):
    artifacts: List[str]
    assigned: NotRequired[str]
    attempt: int
    blocked_by: List[str]
    body: NotRequired[str]
    capabilities: List[str]
    created_at: str
    created_by: NotRequired[str]
    estimate_minutes: NotRequired[int]
    failures: NotRequired[int]
    file: NotRequired[str]
    gate: NotRequired[Gate]
    holder: NotRequired[HolderShape]
    id: str
    integrates: NotRequired[List[str]]
    landing: NotRequired[LandingShape]
    last_failure: NotRequired[str]
    lost_leases: NotRequired[int]
    max_attempts: int
    needs: List[str]
    not_before: NotRequired[str]
    onto: NotRequired[str]
    own_priority: NotRequired[int]
    parent: NotRequired[str]
    part_results: NotRequired[str]
    priority: int
    progress: NotRequired[int]
    rejected: NotRequired[str]
    resources: List[str]
    result: NotRequired[str]
    retry_in_ms: NotRequired[int]
    reviewer: NotRequired[str]
    state: TaskState
    stuck: bool
    title: str
    type: NotRequired[str]
    updated_at: str
    writes: List[str]

TaskState = Literal["blocked", "ready", "scheduled", "claimed", "waiting", "review", "done", "dead", "cancelled"]

class TasksReply(TypedDict):
    next: NotRequired[str]
    tasks: List[TaskShape]

class ThreadReply(TypedDict):
    messages: List[MessageShape]
    next: NotRequired[str]

class UpdateReply(TypedDict):
    reservations: NotRequired[List[ReservationShape]]
    task: TaskShape

class WaitReply(TypedDict):
    tasks: List[TaskShape]

class Verbs:
    def join(
        self,
        *,
        idempotency_key: Optional[str] = None,
        name: Optional[str] = None,
        role: Optional[str] = None,
        can: Optional[Sequence[str]] = None,
        stale_after: Optional[str] = None,
        program: Optional[str] = None,
        max_claims: Optional[int] = None,
        pid: Optional[int] = None,
        take_over: Optional[bool] = None,
        harness: Optional[str] = None,
    ) -> JoinReply:
        """Register an agent as a new session."""
    def agents(
        self,
        *,
        idempotency_key: Optional[str] = None,
        all: Optional[bool] = None,
        role: Optional[str] = None,
        can: Optional[str] = None,
        at_least: Optional[int] = None,
        limit: Optional[int] = None,
        after: Optional[str] = None,
    ) -> AgentsReply:
        """List the active agents."""
    def agent(
        self,
        *,
        name: str,
        idempotency_key: Optional[str] = None,
    ) -> ShowAgentReply:
        """Show one agent."""
    def heartbeat(
        self,
        *,
        idempotency_key: Optional[str] = None,
        status: Optional[str] = None,
        action: Optional[str] = None,
    ) -> HeartbeatReply:
        """Report that the agent is alive and renew all its leases."""
    def leave(
        self,
        *,
        idempotency_key: Optional[str] = None,
    ) -> LeaveReply:
        """End the session and release everything it holds."""
    def add(
        self,
        *,
        title: str,
        idempotency_key: Optional[str] = None,
        id: Optional[str] = None,
        body: Optional[str] = None,
        type: Optional[str] = None,
        priority: Optional[int] = None,
        requires: Optional[Sequence[str]] = None,
        writes: Optional[Sequence[str]] = None,
        resources: Optional[Sequence[str]] = None,
        estimate: Optional[str] = None,
        assign: Optional[str] = None,
        max_attempts: Optional[int] = None,
        not_before: Optional[str] = None,
        gate: Optional[Gate] = None,
        onto: Optional[str] = None,
        reviewer: Optional[str] = None,
        needs: Optional[Sequence[str]] = None,
        parent: Optional[str] = None,
    ) -> TaskReply:
        """Add a task."""
    def update(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        title: Optional[str] = None,
        body: Optional[str] = None,
        type: Optional[str] = None,
        priority: Optional[int] = None,
        requires: Optional[Sequence[str]] = None,
        writes: Optional[Sequence[str]] = None,
        resources: Optional[Sequence[str]] = None,
        estimate: Optional[str] = None,
        assign: Optional[str] = None,
        max_attempts: Optional[int] = None,
        not_before: Optional[str] = None,
        gate: Optional[Gate] = None,
        onto: Optional[str] = None,
        reviewer: Optional[str] = None,
        needs: Optional[Sequence[str]] = None,
        clear: Optional[Sequence[Clearable]] = None,
    ) -> UpdateReply:
        """Change an unfinished task."""
    def note(
        self,
        *,
        id: str,
        text: str,
        idempotency_key: Optional[str] = None,
    ) -> TaskReply:
        """Add a note to the history of a task."""
    def tasks(
        self,
        *,
        idempotency_key: Optional[str] = None,
        state: Optional[Sequence[TaskState]] = None,
        parent: Optional[str] = None,
        agent: Optional[str] = None,
        search: Optional[str] = None,
        limit: Optional[int] = None,
        after: Optional[str] = None,
    ) -> TasksReply:
        """List tasks, oldest first."""
    def task(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        limit: Optional[int] = None,
        after: Optional[str] = None,
    ) -> ShowTaskReply:
        """Show one task with its history."""
    def ready(
        self,
        *,
        idempotency_key: Optional[str] = None,
        limit: Optional[int] = None,
        after: Optional[str] = None,
    ) -> ReadyReply:
        """List the tasks that can be claimed now, in claim order."""
    def depend(
        self,
        *,
        id: str,
        on: Sequence[str],
        idempotency_key: Optional[str] = None,
        remove: Optional[bool] = None,
    ) -> TaskReply:
        """Make a task need others, or remove such needs."""
    def split(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        new_id: Optional[str] = None,
        agents: Optional[int] = None,
        max_subtasks: Optional[int] = None,
        group_by: Optional[Grouping] = None,
        planner: Optional[Planner] = None,
        plan: Optional[str] = None,
        assign: Optional[bool] = None,
        assign_to: Optional[Sequence[str]] = None,
        auto_finish: Optional[bool] = None,
        prompt: Optional[bool] = None,
        dry_run: Optional[bool] = None,
    ) -> SplitReply:
        """Split a task or a Markdown file into parts."""
    def claim(
        self,
        *,
        idempotency_key: Optional[str] = None,
        id: Optional[str] = None,
        ttl: Optional[str] = None,
        wait: Optional[str] = None,
        or_message: Optional[bool] = None,
        reserve: Optional[bool] = None,
        count: Optional[int] = None,
        subtree: Optional[str] = None,
    ) -> ClaimReply:
        """Take the best ready task, or the one named."""
    def renew(
        self,
        *,
        idempotency_key: Optional[str] = None,
        id: Optional[str] = None,
        token: Optional[int] = None,
        ttl: Optional[str] = None,
        progress: Optional[int] = None,
        note: Optional[str] = None,
    ) -> RenewReply:
        """Extend leases and list news."""
    def done(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        token: Optional[int] = None,
        result: Optional[str] = None,
        artifact: Optional[Sequence[str]] = None,
        branch: Optional[str] = None,
        claim: Optional[bool] = None,
        reserve: Optional[bool] = None,
        wait: Optional[str] = None,
        or_message: Optional[bool] = None,
    ) -> DoneReply:
        """Complete a task."""
    def fail(
        self,
        *,
        id: str,
        reason: str,
        idempotency_key: Optional[str] = None,
        token: Optional[int] = None,
        no_retry: Optional[bool] = None,
    ) -> TaskReply:
        """Report a failed attempt."""
    def release(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        token: Optional[int] = None,
        result: Optional[str] = None,
        force: Optional[bool] = None,
    ) -> TaskReply:
        """Give a task back."""
    def requeue(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        parts: Optional[bool] = None,
    ) -> RequeueReply:
        """Bring a dead or cancelled task back."""
    def cancel(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        drop: Optional[bool] = None,
    ) -> TaskReply:
        """Cancel a task and its parts."""
    def approve(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
    ) -> TaskReply:
        """Approve a task in review."""
    def reject(
        self,
        *,
        id: str,
        reason: str,
        idempotency_key: Optional[str] = None,
    ) -> TaskReply:
        """Reject a task in review."""
    def wait(
        self,
        *,
        ids: Sequence[str],
        idempotency_key: Optional[str] = None,
        any: Optional[bool] = None,
        timeout: Optional[str] = None,
    ) -> WaitReply:
        """Wait until tasks are done."""
    def sync(
        self,
        *,
        idempotency_key: Optional[str] = None,
        set: Optional[Sequence[str]] = None,
        merge: Optional[Mapping[str, Any]] = None,
    ) -> EntryReply:
        """Merge values into your own state entry."""
    def state(
        self,
        *,
        idempotency_key: Optional[str] = None,
        key: Optional[str] = None,
        prefix: Optional[str] = None,
        limit: Optional[int] = None,
        after: Optional[str] = None,
    ) -> GetStateReply:
        """Show state entries."""
    def state_set(
        self,
        *,
        key: str,
        value: Any,
        idempotency_key: Optional[str] = None,
        replace: Optional[bool] = None,
        if_version: Optional[int] = None,
    ) -> EntryReply:
        """Merge JSON into a state entry, or replace it."""
    def state_delete(
        self,
        *,
        key: str,
        idempotency_key: Optional[str] = None,
        if_version: Optional[int] = None,
    ) -> EntryReply:
        """Delete a state entry."""
    def reserve(
        self,
        *,
        globs: Sequence[str],
        idempotency_key: Optional[str] = None,
        shared: Optional[bool] = None,
        ttl: Optional[str] = None,
        reason: Optional[str] = None,
        task: Optional[str] = None,
        wait: Optional[str] = None,
    ) -> ReservationsReply:
        """Reserve paths for writing, all or none."""
    def unreserve(
        self,
        *,
        idempotency_key: Optional[str] = None,
        globs: Optional[Sequence[str]] = None,
    ) -> ReservationsReply:
        """End your reservations."""
    def reservations(
        self,
        *,
        idempotency_key: Optional[str] = None,
        limit: Optional[int] = None,
        after: Optional[str] = None,
    ) -> ReservationListReply:
        """List the active reservations."""
    def check(
        self,
        *,
        idempotency_key: Optional[str] = None,
        paths: Optional[Sequence[str]] = None,
        globs: Optional[Sequence[str]] = None,
    ) -> ReservationsReply:
        """Check whether paths may be written."""
    def send(
        self,
        *,
        to: Sequence[str],
        text: str,
        idempotency_key: Optional[str] = None,
        subject: Optional[str] = None,
        thread: Optional[str] = None,
        reply_to: Optional[str] = None,
        ack: Optional[bool] = None,
    ) -> MessagesReply:
        """Send a message to agents."""
    def inbox(
        self,
        *,
        idempotency_key: Optional[str] = None,
        wait: Optional[str] = None,
        all: Optional[bool] = None,
        new: Optional[bool] = None,
        peek: Optional[bool] = None,
        limit: Optional[int] = None,
        after: Optional[str] = None,
    ) -> InboxReply:
        """Show messages that you have not acknowledged."""
    def ack(
        self,
        *,
        idempotency_key: Optional[str] = None,
        ids: Optional[Sequence[str]] = None,
        from_: Optional[str] = None,
    ) -> AckReply:
        """Acknowledge messages."""
    def thread(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        limit: Optional[int] = None,
        after: Optional[str] = None,
    ) -> ThreadReply:
        """Show the messages of a thread."""
    def propose(
        self,
        *,
        question: str,
        options: Sequence[str],
        idempotency_key: Optional[str] = None,
        quorum: Optional[Union[str, int]] = None,
        deadline: Optional[str] = None,
    ) -> ProposalReply:
        """Ask the agents a question that they decide by vote."""
    def vote(
        self,
        *,
        id: str,
        option: str,
        idempotency_key: Optional[str] = None,
    ) -> ProposalReply:
        """Vote for an option of a proposal, or change your vote."""
    def decision(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        wait: Optional[str] = None,
    ) -> ProposalReply:
        """Show the votes and the decision of a proposal."""
    def events(
        self,
        *,
        idempotency_key: Optional[str] = None,
        after: Optional[str] = None,
        kind: Optional[Sequence[str]] = None,
        follow: Optional[bool] = None,
        wait: Optional[str] = None,
        limit: Optional[int] = None,
    ) -> EventsReply:
        """Print the log of events."""
    def status(
        self,
        *,
        idempotency_key: Optional[str] = None,
    ) -> StatusReply:
        """Show agents, tasks and problems on one screen."""
    def attention(
        self,
        *,
        idempotency_key: Optional[str] = None,
        wait: Optional[str] = None,
        limit: Optional[int] = None,
        after: Optional[str] = None,
    ) -> AttentionReply:
        """List the work that waits for a person, with the next command."""
    def prime(
        self,
        *,
        idempotency_key: Optional[str] = None,
    ) -> PrimeReply:
        """Print the briefing that an agent reads at its start."""
