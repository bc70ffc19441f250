using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using Shop.Local;
using Shop.Local.Postgres;

namespace Shop.Tests.Local;

public sealed class LocalPostgresTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_fresh_server_has_its_database_and_is_on_loopback_alone()
    {
        await using var server = await LocalPostgres.StartAsync(new(), Token);
        await using var source = NpgsqlDataSource.Create(server.ConnectionString);
        await using var command = source.CreateCommand("select current_database(), current_setting('fsync')");
        await using var reader = await command.ExecuteReaderAsync(Token);
        Assert.True(await reader.ReadAsync(Token));
        Assert.Equal(("shop", "on"), (reader.GetString(0), reader.GetString(1)));
        // The server's own word: where its socket is, and what it listens on.
        var running = await File.ReadAllLinesAsync(Path.Combine(server.Directory, "data", "postmaster.pid"), Token);
        Assert.Equal(("", "127.0.0.1"), (running[4], running[5]));
    }

    [Fact]
    public async Task The_role_of_the_services_owns_its_database_and_may_do_nothing_beyond_it()
    {
        await using var server = await LocalPostgres.StartAsync(new() { Fsync = false }, Token);
        await using var source = NpgsqlDataSource.Create(server.ConnectionString);
        await using var rights = source.CreateCommand(
            "select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls, (select count(*) from pg_auth_members where member = pg_roles.oid) from pg_roles where rolname = current_user");
        await using (var reader = await rights.ExecuteReaderAsync(Token))
        {
            Assert.True(await reader.ReadAsync(Token));
            Assert.Equal((false, 0L), (reader.GetBoolean(0), reader.GetInt64(1)));
        }

        await using var owned = source.CreateCommand("select array_agg(datname::text) from pg_database where datdba = (select oid from pg_roles where rolname = current_user)");
        Assert.Equal(["shop"], (string[])(await owned.ExecuteScalarAsync(Token))!);
    }

    [Fact]
    public async Task A_wrong_password_is_refused()
    {
        await using var server = await LocalPostgres.StartAsync(new() { Fsync = false }, Token);
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(server.ConnectionString) { Password = "guess", Pooling = false }.ConnectionString);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => connection.OpenAsync(Token));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
    }

    [Fact]
    public async Task A_killed_server_keeps_what_it_committed()
    {
        await using var server = await LocalPostgres.StartAsync(new(), Token);
        await ExecuteAsync(server, "create table kept(x int); insert into kept values (7)");
        await server.KillAsync();
        await server.StartAsync(Token);
        Assert.Equal(7, await ExecuteAsync(server, "select x from kept"));
    }

    [Fact]
    public async Task A_kept_directory_is_found_again_by_the_next_server_and_an_ephemeral_one_is_gone()
    {
        using var directory = new TemporaryDirectory();
        await using (var first = await LocalPostgres.StartAsync(new() { DataDirectory = directory.Path, Fsync = false }, Token))
            await ExecuteAsync(first, "create table kept(x int); insert into kept values (7)");
        await using (var second = await LocalPostgres.StartAsync(new() { DataDirectory = directory.Path, Fsync = false }, Token))
            Assert.Equal(7, await ExecuteAsync(second, "select x from kept"));

        var place = await PostgresPlace.OpenAsync(directory.Path, Token);
        place.Delete();

        string ephemeral;
        await using (var third = await LocalPostgres.StartAsync(new() { Fsync = false }, Token)) ephemeral = third.Directory;
        Assert.False(Directory.Exists(ephemeral));
    }

    [Fact]
    public async Task A_moved_data_directory_keeps_its_server_and_one_made_anew_begins_empty()
    {
        using var parent = new TemporaryDirectory();
        var (first, moved, copy) = (Path.Combine(parent.Path, "first"), Path.Combine(parent.Path, "moved"), Path.Combine(parent.Path, "copy"));
        var place = await PostgresPlace.OpenAsync(first, Token);
        await File.WriteAllTextAsync(Path.Combine(place.Directory, "kept"), "", Token);
        Directory.Move(first, moved);
        var again = await PostgresPlace.OpenAsync(moved, Token);
        Assert.True(File.Exists(Path.Combine(again.Directory, "kept")));
        if (again.User is not null)
        {
            Directory.CreateDirectory(copy);
            File.Copy(Path.Combine(moved, "postgres.location"), Path.Combine(copy, "postgres.location"));
            var refused = await Assert.ThrowsAsync<LocalRunException>(() => PostgresPlace.OpenAsync(copy, Token));
            Assert.StartsWith($"{copy} is a copy of {moved}", refused.Message, StringComparison.Ordinal);
        }

        Directory.Delete(moved, recursive: true);
        var anew = await PostgresPlace.OpenAsync(moved, Token);
        Assert.False(File.Exists(Path.Combine(anew.Directory, "kept")));
        again.Delete();
        anew.Delete();
    }

    [Fact]
    public async Task A_port_in_use_and_a_damaged_directory_are_said_in_one_sentence()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var taken = await Assert.ThrowsAsync<LocalRunException>(() => LocalPostgres.StartAsync(new() { Port = port, Fsync = false }, Token));
        Assert.Equal($"Port {port} (PostgreSQL) is in use by another program.", taken.Message);

        using var directory = new TemporaryDirectory();
        var place = await PostgresPlace.OpenAsync(directory.Path, Token);
        Directory.CreateDirectory(place.Data);
        var damaged = await Assert.ThrowsAsync<LocalRunException>(() => LocalPostgres.StartAsync(new() { DataDirectory = directory.Path }, Token));
        Assert.Contains("not a complete PostgreSQL data directory", damaged.Message, StringComparison.Ordinal);
        place.Delete();
    }

    [Fact]
    public async Task An_interrupted_initialisation_leaves_no_process_and_no_file()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc");
        var place = await PostgresPlace.OpenAsync(null, Token);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var preparing = PostgresCluster.PrepareAsync(new() { Fsync = false }, PostgresBinaries.Find()!, place, stop.Token);
        await ShopProgram.WaitUntilAsync(() => Directory.Exists(Path.Combine(place.Directory, "data.new")), "initdb is at work", Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => preparing);
        Assert.DoesNotContain(Directory.EnumerateDirectories("/proc").Select(CommandLine), line => line.Contains(place.Directory, StringComparison.Ordinal));
        Assert.False(Directory.Exists(place.Directory));
    }

    [Fact]
    public async Task The_verb_ends_when_its_server_does()
    {
        using var directory = new TemporaryDirectory();
        var place = await PostgresPlace.OpenAsync(directory.Path, Token);
        using var verb = ShopProgram.Start(["postgres", "--data", directory.Path]);
        Assert.StartsWith("PostgreSQL listens on", await verb.StandardOutput.ReadLineAsync(Token), StringComparison.Ordinal);
        using var server = Process.GetProcessById(int.Parse((await File.ReadAllLinesAsync(Path.Combine(place.Data, "postmaster.pid"), Token))[0], CultureInfo.InvariantCulture));
        server.Kill();
        await verb.WaitForExitAsync(Token).WaitAsync(TimeSpan.FromSeconds(60), Token);
        Assert.Equal(1, verb.ExitCode);
        Assert.StartsWith("PostgreSQL ended by itself with exit code 137", await verb.StandardError.ReadToEndAsync(Token), StringComparison.Ordinal);
        place.Delete();
    }

    private static string CommandLine(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static async Task<object?> ExecuteAsync(LocalPostgres server, string sql)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(Token);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Token);
    }
}
