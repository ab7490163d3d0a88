using Berth.Engine.State;
using Berth.Faults;

namespace Berth.Engine;

/// <summary>All containers by ID and name. A name is taken from the moment it is reserved.</summary>
internal sealed class ContainerTable(StateDatabase state)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Container> _byId = new(StringComparer.Ordinal); // Guarded by _gate.
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);   // Guarded by _gate: name to ID.

    public IReadOnlyList<Container> All
    {
        get
        {
            lock (_gate)
                return [.. _byId.Values];
        }
    }

    /// <summary>Takes in what an earlier engine left.</summary>
    public void Load()
    {
        foreach ((string _, ContainerRecord record) in state.ReadAll(Kinds.Container, StateJson.Default.ContainerRecord))
        {
            // Nobody writes that any more: engines before did when a change came after a removal.
            if (record.State.Status == ContainerStatus.Removing)
            {
                state.Delete(Kinds.Container, record.Id);
                continue;
            }
            _byId[record.Id] = new Container(record);
            _names[record.Name] = record.Id;
        }
    }

    /// <summary>Takes a name for a container, or makes one up.</summary>
    /// <exception cref="FaultException">Conflict, with Docker's text.</exception>
    public string Reserve(string? name, string id)
    {
        lock (_gate)
        {
            string taken = name ?? ContainerNames.MakeUp(_names.ContainsKey);
            if (!_names.TryAdd(taken, id))
                throw FaultException.Conflict($"Conflict. The container name \"/{taken}\" is already in use by container "
                    + $"\"{_names[taken]}\". You have to remove (or rename) that container to be able to reuse that name.");
            return taken;
        }
    }

    /// <summary>Gives a name back.</summary>
    public void Release(string name)
    {
        lock (_gate)
            _names.Remove(name);
    }

    /// <summary>Makes a container with a reserved name visible, on disk first, together with what was made for it.</summary>
    public Container Add(ContainerRecord record, IReadOnlyCollection<Change> also)
    {
        state.Apply([ChangeOf(record), .. also]);
        Container container = new(record);
        lock (_gate)
            _byId[record.Id] = container;
        return container;
    }

    /// <summary>Removes a container and its name, on disk first, together with what goes with it.</summary>
    public void Remove(Container container, IReadOnlyCollection<Change> also)
    {
        state.Apply([Change.Delete(Kinds.Container, container.Id), .. also]);
        lock (_gate)
        {
            _byId.Remove(container.Id);
            _names.Remove(container.Name);
        }
    }

    /// <summary>Changes a container's record, on disk too.</summary>
    /// <exception cref="FaultException">NotFound: it has been removed while this waited for its gate.</exception>
    public void Update(Container container, ContainerRecord record)
    {
        if (!Has(container))
            throw FaultException.NotFound($"No such container: {container.Id}");
        state.Apply([ChangeOf(record)]);
        container.Record = record;
    }

    /// <summary>Records what has happened to a container, whether or not the disk takes it. Of one that has been removed nothing is
    /// written.</summary>
    /// <returns>Null, or why it is not on disk.</returns>
    public FaultException? Settle(Container container, ContainerRecord record)
    {
        container.Record = record;
        if (!Has(container))
            return null;
        try
        {
            state.Apply([ChangeOf(record)], isDue: true);
            return null;
        }
        catch (FaultException fault)
        {
            return fault;
        }
    }

    /// <summary>The container of an ID, name, link (<c>web/db</c>) or unique prefix.</summary>
    /// <exception cref="FaultException">NotFound; InvalidArgument: several.</exception>
    public Container Find(string id)
    {
        string wanted = id.StartsWith('/') ? id[1..] : id;
        lock (_gate)
        {
            if (_byId.TryGetValue(wanted, out Container? exact))
                return exact;
            if (_names.TryGetValue(wanted, out string? named) && _byId.TryGetValue(named, out exact))
                return exact;
            if (Linked(wanted) is { } linked)
                return linked;
            if (wanted.Length is > 0 and < 64)
            {
                Container[] matches = [.. _byId.Values.Where(c => c.Id.StartsWith(wanted, StringComparison.Ordinal)).Take(2)];
                if (matches.Length == 1)
                    return matches[0];
                if (matches.Length > 1)
                    throw FaultException.Invalid($"Multiple IDs found with provided prefix: {wanted}");
            }
        }
        throw FaultException.NotFound($"No such container: {(id.Length > 300 ? id[..300] + "…" : id)}");
    }

    // Who asks holds the container's gate, and so does who removes it.
    private bool Has(Container container)
    {
        lock (_gate)
            return _byId.GetValueOrDefault(container.Id) == container;
    }

    // A link is a further name of the container that it leads to. Under _gate.
    private Container? Linked(string name)
    {
        int slash = name.LastIndexOf('/');
        return slash > 0 && _names.TryGetValue(name[..slash], out string? id) && _byId.TryGetValue(id, out Container? owner)
            && LinkText.NamesOf(owner.Record).FirstOrDefault(link => link.Alias == name[(slash + 1)..]) is { Target: { } target }
            ? TryFind(target) : null;
    }

    /// <summary>As <see cref="Find"/>, null when there is none.</summary>
    public Container? TryFind(string id)
    {
        try
        {
            return Find(id);
        }
        catch (FaultException fault) when (fault.Kind is FaultKind.NotFound or FaultKind.InvalidArgument)
        {
            return null;
        }
    }

    private static Change ChangeOf(ContainerRecord record) =>
        Change.Put(Kinds.Container, record.Id, record, StateJson.Default.ContainerRecord);
}
