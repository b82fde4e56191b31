// Written by `oarlock setup opencode`; `oarlock setup opencode --remove` takes it away.
// Each hook asks `oarlock hook opencode EVENT`, which decides; whatever goes wrong there, OpenCode goes on.
import { spawn } from "node:child_process"

const ask = (event, told, directory) =>
  new Promise((resolve) => {
    let out = ""
    let child
    try {
      child = spawn("oarlock", ["hook", "opencode", event], { cwd: directory, stdio: ["pipe", "pipe", "ignore"] })
    } catch {
      return resolve({})
    }
    child.on("error", () => resolve({}))
    child.stdin.on("error", () => {})
    child.stdout.on("data", (data) => (out += data))
    child.on("close", () => {
      try {
        resolve(out.trim() ? JSON.parse(out) : {})
      } catch {
        resolve({})
      }
    })
    child.stdin.end(JSON.stringify({ cwd: directory, ...told }))
  })

export const Oarlock = async ({ client, directory }) => {
  const seen = new Map()
  // A helper's session has a parent: it acts under a name of its own, below its parent's.
  const who = async (id) => {
    if (seen.has(id)) return seen.get(id)
    let parent
    try {
      parent = (await client.session.get({ path: { id } }))?.data?.parentID
    } catch {}
    const root = parent ? (await who(parent)).told.session_id : id
    const entry = { told: parent ? { session_id: root, agent_id: id } : { session_id: id }, start: "", due: true }
    seen.set(id, entry)
    return entry
  }
  // The start is told once, and again when the session was summed up.
  const started = async (id) => {
    const entry = await who(id)
    if (entry.due) {
      entry.due = false
      const event = entry.told.agent_id ? "subagent-start" : "session-start"
      const answer = await ask(event, entry.told, directory)
      entry.start = answer.context ?? ""
      entry.name = answer.name
    }
    return entry
  }
  return {
    "experimental.chat.system.transform": async (input, output) => {
      if (!input.sessionID) return
      const entry = await started(input.sessionID)
      if (entry.start) output.system.push(entry.start)
    },
    "tool.execute.before": async (input, output) => {
      const entry = await started(input.sessionID)
      const told = { ...entry.told, tool_name: input.tool, tool_use_id: input.callID, tool_input: output.args }
      const answer = await ask("before-tool", told, directory)
      if (answer.deny) throw new Error(answer.deny)
    },
    "tool.execute.after": async (input, output) => {
      const entry = await started(input.sessionID)
      const answer = await ask("after-tool", { ...entry.told, tool_name: input.tool, tool_use_id: input.callID }, directory)
      if (!answer.context) return
      if (typeof output?.output === "string") output.output += `\n\n${answer.context}`
      else if (Array.isArray(output?.content)) output.content.push({ type: "text", text: answer.context })
    },
    "shell.env": async (input, output) => {
      const entry = seen.get(input.sessionID)
      if (entry?.name) output.env.OARLOCK_AGENT = entry.name
    },
    dispose: async () => {
      for (const entry of seen.values()) if (!entry.told.agent_id) await ask("session-end", entry.told, directory)
    },
    event: async ({ event }) => {
      const id = event.properties?.sessionID ?? event.properties?.info?.id
      if (!id || !seen.has(id)) return
      const entry = seen.get(id)
      if (event.type === "session.compacted") entry.due = true
      if (event.type === "session.idle" && entry.told.agent_id) await ask("subagent-stop", entry.told, directory)
      if (event.type === "session.deleted") await ask(entry.told.agent_id ? "subagent-stop" : "session-end", entry.told, directory)
    },
  }
}
