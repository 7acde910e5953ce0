-- What is over is pruned, oldest first, in small steps.
CREATE INDEX tasks_completed ON tasks (completed) WHERE completed IS NOT NULL;
CREATE INDEX volumes_task ON volumes (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX template_copies_task ON template_copies (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX obligations_settled ON obligations (settled) WHERE settled IS NOT NULL;
