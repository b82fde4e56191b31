-- The sender of each delivery, as far as a page of an inbox is concerned: the first name, which an agent and its helpers share. The
-- index finds one sender's messages in their order, and the senders that there are, without reading anybody else's.

ALTER TABLE deliveries ADD COLUMN sender TEXT NOT NULL DEFAULT '';

UPDATE deliveries SET sender = coalesce(
  (SELECT CASE instr(m.sender, '.') WHEN 0 THEN m.sender ELSE substr(m.sender, 1, instr(m.sender, '.') - 1) END FROM messages m WHERE m.seq = message), '');

CREATE INDEX deliveries_senders ON deliveries (agent, sender, shown, urgent, message) WHERE acked = 0;
