package config

import "time"

// settings is every setting there is, in the order of config.yaml.
var settings = []setting{
	field("server.host", "127.0.0.1", "address or name to listen on; 0.0.0.0 and :: are all",
		host(), func(c *Config) *string { return &c.Server.Host }),
	field("server.port", "3000", "port to listen on; 0 takes any free one",
		number(0, 65535), func(c *Config) *int { return &c.Server.Port }),
	field("server.max_connections", "10000", "connections open at the same time; more wait to be accepted; 0 is any number",
		number(0, 1_000_000), func(c *Config) *int { return &c.Server.MaxConns }),
	field("api.key", "", "when set, /api/* needs it as X-API-Key or bearer token",
		token(), func(c *Config) *string { return &c.Server.APIKey }).hide(hidden),
	field("auth.disabled", "false", "serve a public address without a key",
		boolean(), func(c *Config) *bool { return &c.Server.AuthDisabled }),
	field("auth.max_wrong_keys", "60", "wrong API keys a minute from one address; more are refused with 429; 0 is any number",
		number(0, 1_000_000), func(c *Config) *int { return &c.Server.MaxWrongKeys }),
	field("shutdown.grace", "20s", "how long running work may go on after SIGTERM",
		duration(0, time.Hour), func(c *Config) *time.Duration { return &c.Server.Grace }),

	field("mongodb.uri", "", "MongoDB to keep tasks in; none is the embedded store",
		address("a MongoDB URI such as mongodb://user:password@host:27017", "mongodb", "mongodb+srv"),
		func(c *Config) *string { return &c.Mongo.URI }).hide(hiddenURL),
	field("mongodb.database", "revela", "its database",
		match("database", mongoDatabase, `a name of 1 to 63 letters, digits, "-" and "_"`),
		func(c *Config) *string { return &c.Mongo.Database }),

	field("redis.url", "", "Redis for queue, cache and events; none and no host is the embedded one",
		address("a Redis URL such as redis://user:password@host:6379/0",
			"redis", "rediss", "redis-sentinel", "rediss-sentinel", "unix"),
		func(c *Config) *string { return &c.Redis.URL }).hide(hiddenURL),
	field("redis.host", "", "its host, instead of a URL",
		optionalHost(), func(c *Config) *string { return &c.Redis.Host }),
	field("redis.port", "6379", "its port, with redis.host",
		number(1, 65535), func(c *Config) *int { return &c.Redis.Port }),
	field("redis.password", "", "its password, with redis.host",
		text(), func(c *Config) *string { return &c.Redis.Password }).hide(hidden),
	field("redis.db", "0", "its database number, with redis.host",
		number(0, 65535), func(c *Config) *int { return &c.Redis.DB }),
	field("redis.embedded", "auto", "how the embedded Redis runs",
		oneOf("auto", "server", "process"), func(c *Config) *string { return &c.Redis.Embedded }),

	field("queue.prefix", "bull", "first part of the queue's keys",
		match("name", keyPart, `1 to 64 letters, digits, ".", "-" and "_"`),
		func(c *Config) *string { return &c.Queue.Prefix }),
	field("queue.name", "image-processing", "second part of the queue's keys",
		match("name", keyPart, `1 to 64 letters, digits, ".", "-" and "_"`),
		func(c *Config) *string { return &c.Queue.Name }),
	field("queue.concurrency", "auto", "workers in this process; auto is one a CPU, 0 is none",
		autoNumber(0, 1024), func(c *Config) *int { return &c.Queue.Concurrency }).named("workers"),
	field("queue.max_retries", "3", "attempts in all",
		number(1, 100), func(c *Config) *int { return &c.Queue.MaxRetries }),
	field("queue.backoff_delay", "2s", "wait before the second attempt, doubled for each later one",
		duration(0, 24*time.Hour), func(c *Config) *time.Duration { return &c.Queue.BackoffDelay }),
	field("queue.backoff_jitter", "0.2", "up to this share of the wait is added to it",
		share(), func(c *Config) *float64 { return &c.Queue.BackoffJitter }),
	field("queue.lease", "10s", "a worker that stops renewing loses its job after this",
		duration(time.Second, 10*time.Minute), func(c *Config) *time.Duration { return &c.Queue.Lease }),
	field("queue.max_stalled", "2", "workers that one job may lose before it fails",
		number(0, 1000), func(c *Config) *int { return &c.Queue.MaxStalled }),
	field("queue.job_timeout", "2m", "wall time of one attempt",
		duration(time.Second, 24*time.Hour), func(c *Config) *time.Duration { return &c.Queue.JobTimeout }),
	field("queue.max_waiting", "0", "tasks that may wait or be delayed; more are refused with 429; 0 is any number",
		number(0, 1_000_000_000), func(c *Config) *int { return &c.Queue.MaxWaiting }),
	field("queue.remove_on_complete", "true", "remove completed jobs; a number keeps that many, a duration for so long",
		keep(), func(c *Config) *Keep { return &c.Queue.RemoveOnComplete }),
	field("queue.remove_on_fail", "false", "remove failed jobs; a number keeps that many, a duration for so long",
		keep(), func(c *Config) *Keep { return &c.Queue.RemoveOnFail }),

	field("cache.task_ttl", "60s", "life of one cached task",
		duration(time.Second, 24*time.Hour), func(c *Config) *time.Duration { return &c.Cache.TaskTTL }),
	field("cache.list_ttl", "30s", "life of one cached page of a list",
		duration(time.Second, 24*time.Hour), func(c *Config) *time.Duration { return &c.Cache.ListTTL }),
	field("cache.count_ttl", "45s", "life of one cached total",
		duration(time.Second, 24*time.Hour), func(c *Config) *time.Duration { return &c.Cache.CountTTL }),

	field("data.dir", "./data", "files and embedded databases",
		path(), func(c *Config) *string { return &c.Data.Dir }),
	field("import.dir", "", "what imagePath may read; none refuses every path",
		optionalPath(), func(c *Config) *string { return &c.Data.ImportDir }),

	field("upload.max_bytes", "32MiB", "largest picture that is accepted",
		size(1, 1<<40), func(c *Config) *int64 { return &c.Upload.MaxBytes }),

	field("image.max_pixels", "50000000", "largest width x height that is decoded",
		pixels(1, 1<<32), func(c *Config) *int64 { return &c.Image.MaxPixels }),
	field("image.memory_budget", "1GiB", "decoded pixels that may be in memory at once",
		size(16<<20, 1<<44), func(c *Config) *int64 { return &c.Image.MemoryBudget }),
	field("image.turbo", "auto", "libjpeg-turbo for JPEG where it is installed",
		oneOf("auto", "off"), func(c *Config) *string { return &c.Image.Turbo }),
	field("image.progressive", "false", "write JPEG that shows early and becomes sharper",
		boolean(), func(c *Config) *bool { return &c.Image.Progressive }),
	variants(),

	field("fetch.timeout", "20s", "time in all for reading an imageUrl",
		duration(100*time.Millisecond, 10*time.Minute), func(c *Config) *time.Duration { return &c.Fetch.Timeout }),
	field("fetch.allow_private", "false", "let imageUrl reach addresses that are not public",
		boolean(), func(c *Config) *bool { return &c.Fetch.AllowPrivate }),

	field("log.level", "info", "least important messages that are written",
		oneOf("debug", "info", "warn", "error"), func(c *Config) *string { return &c.Log.Level }),
	field("log.format", "auto", "auto is console on a terminal, else json",
		oneOf("auto", "console", "json"), func(c *Config) *string { return &c.Log.Format }),
}

// Default returns the configuration of a process that is told nothing, with
// relative paths as they are.
func Default() *Config {
	c := &Config{origins: map[string]origin{}}
	for _, s := range settings {
		if err := s.set(c, s.def); err != nil {
			panic("config: the default of " + s.key + " is refused: " + err.Error())
		}
	}
	return c
}
