-- Live sessions by name: what an agent and its helpers hold is counted without reading the sessions that ended.
CREATE INDEX agents_live ON agents (name) WHERE ended IS NULL;
